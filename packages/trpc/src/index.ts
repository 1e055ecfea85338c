// The public face of @holdfast/trpc.

export { AnswerLog, type AnswerLogOptions } from './answer-log.ts';
export { claudeErrorFormatter, claudeResponseMeta, type ClaudeErrorData } from './errors.ts';
export { claudeProcedure, type ClaudeContext, type ClaudeProcedureOptions } from './procedure.ts';
export { claudeStream, type ClaudeEvent, type ClaudeStreamInput } from './stream.ts';
