// The public face of @holdfast/trpc.

export { AnswerLog, type AnswerLogOptions } from './answer-log.ts';
export { claudeErrorFormatter, claudeResponseMeta, type ClaudeErrorData, type ClaudeEvent } from './errors.ts';
export { claudeProcedure, type ClaudeContext, type ClaudeProcedureOptions } from './procedure.ts';
export { startAnswer, type AnswerInput } from './start.ts';
export { claudeStream, type ClaudeStreamInput } from './stream.ts';
