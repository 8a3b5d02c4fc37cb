// What `ringreeve/llm` exports, nothing else.
export type { ChatClient, ChatMessage } from './chat.js'
export { type LanguageModel, languageModel, type ModelOptions, type ObjectQuestion, type Question } from './model.js'
export { type Tool, type ToolOptions, tool } from './tool.js'
