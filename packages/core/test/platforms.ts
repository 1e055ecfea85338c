// The real client of every platform against a loopback server that speaks as the platform does.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { AnthropicAws } from '@anthropic-ai/aws-sdk';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk';
import { AnthropicGoogleCloud } from '@anthropic-ai/google-cloud-sdk';
import Anthropic from '@anthropic-ai/sdk';
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk';
import { fakeClaude, type FakeClaude } from '@holdfast/testing';
import type { TargetClient } from '../src/index.ts';

export interface Platform {
  readonly name: string;
  readonly client: TargetClient & { readonly messages: Anthropic['messages'] };
  /** What answers behind it: script its faults, read its requests. */
  readonly claude: FakeClaude;
  /** Every request as it came over the wire. */
  readonly wire: { readonly url: string; readonly headers: IncomingMessage['headers']; readonly body: string }[];
  /** From now on nobody listens: connections are refused. */
  refuse(): Promise<void>;
  close(): Promise<void>;
}

export const platformNames = ['anthropic', 'aws', 'google-cloud', 'foundry', 'vertex', 'bedrock'] as const;
export type PlatformName = (typeof platformNames)[number];

/** A marker in every credential, so that a test can look for it anywhere. */
export const secretOf = (name: PlatformName): string => (name === 'anthropic' ? 'sk-ant-api03-SECRET' : `SECRET-${name}`);

export async function platform(name: PlatformName): Promise<Platform> {
  const claude = await fakeClaude({ target: name });
  const wire: Platform['wire'] = [];
  const server = createServer((request, response) => void serve(name, claude, wire, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    name,
    client: clientFor(name, baseURL) as unknown as Platform['client'],
    claude,
    wire,
    refuse: () => stop(server),
    close: () => Promise.all([claude.close(), stop(server)]).then(() => {}),
  };
}

function clientFor(name: PlatformName, baseURL: string): object {
  const secret = secretOf(name);
  switch (name) {
    case 'anthropic':
      return new Anthropic({ baseURL, apiKey: secret });
    case 'aws':
      return new AnthropicAws({
        baseURL,
        awsRegion: 'us-east-1',
        workspaceId: 'ws',
        awsAccessKey: secret,
        awsSecretAccessKey: secret,
      } as never);
    case 'google-cloud':
      return new AnthropicGoogleCloud({
        baseURL,
        project: 'project',
        workspaceId: 'ws',
        accessToken: async () => secret,
        skipAuth: true,
        defaultHeaders: { authorization: `Bearer ${secret}` },
      } as never);
    case 'foundry':
      return new AnthropicFoundry({ baseURL, apiKey: secret } as never);
    case 'vertex':
      return new AnthropicVertex({
        baseURL,
        region: 'global',
        projectId: 'project',
        authClient: { getRequestHeaders: async () => new Headers({ authorization: `Bearer ${secret}` }), projectId: 'project' },
      } as never);
    case 'bedrock':
      return new AnthropicBedrock({ baseURL, awsRegion: 'us-east-1', awsAccessKey: secret, awsSecretKey: secret } as never);
  }
}

async function serve(
  name: PlatformName,
  claude: FakeClaude,
  wire: Platform['wire'],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on('error', () => {});
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const url = request.url ?? '';
  wire.push({ url, headers: request.headers, body });
  try {
    const version = request.headers['anthropic-version'];
    const headers = typeof version === 'string' ? { 'anthropic-version': version } : {};
    const answer = await claude.fetch(`${claude.url}/v1/messages`, { method: 'POST', headers, body: canonical(url, body) });
    if (!answer.ok && isCloud(name)) {
      const { headers: own, body: refusal } = dialect[name](answer.status, (await answer.json()) as Refusal);
      response.writeHead(answer.status, { ...retryHints(answer), 'content-type': 'application/json', ...own });
      response.end(JSON.stringify(refusal));
      return;
    }
    const binary = name === 'bedrock' && url.includes('response-stream');
    response.writeHead(
      answer.status,
      binary ? { 'content-type': 'application/vnd.amazon.eventstream', 'x-amzn-requestid': 'aws-1' } : Object.fromEntries(answer.headers),
    );
    let text = '';
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      if (!binary) {
        response.write(chunk);
        continue;
      }
      text += new TextDecoder().decode(chunk);
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) response.write(awsFrame(/^data: (.*)$/m.exec(event)?.[1] ?? '{}'));
    }
    response.end();
  } catch {
    setImmediate(() => request.socket.resetAndDestroy());
  }
}

interface Refusal {
  readonly error: { readonly type: string; readonly message: string; readonly details: { readonly error_code?: string } | null };
}
type Dialect = (status: number, refusal: Refusal) => { headers: Record<string, string>; body: unknown };

const isCloud = (name: PlatformName): name is 'bedrock' | 'vertex' => name === 'bedrock' || name === 'vertex';

/** What the platforms answer that do not pass Anthropic's own errors on. */
const dialect: Record<'bedrock' | 'vertex', Dialect> = {
  /** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_Errors */
  bedrock: (status, { error }) => ({ headers: { 'x-amzn-errortype': amazonName(status) }, body: { message: error.message } }),
  /** https://cloud.google.com/apis/design/errors */
  vertex: (status, { error }) => ({ headers: {}, body: { error: { code: status, message: error.message, status: googleName(status) } } }),
};

function retryHints({ headers }: Response): Record<string, string> {
  const hint = headers.get('retry-after');
  return hint === null ? {} : { 'retry-after': hint };
}

function amazonName(status: number): string {
  const names: Record<number, string> = {
    400: 'ValidationException',
    401: 'UnrecognizedClientException',
    403: 'AccessDeniedException',
    404: 'ResourceNotFoundException',
    413: 'RequestEntityTooLargeException',
    429: 'ThrottlingException',
    500: 'InternalServerException',
  };
  return names[status] ?? 'ServiceUnavailableException';
}

function googleName(status: number): string {
  const names: Record<number, string> = {
    400: 'INVALID_ARGUMENT',
    401: 'UNAUTHENTICATED',
    403: 'PERMISSION_DENIED',
    404: 'NOT_FOUND',
    413: 'INVALID_ARGUMENT',
    429: 'RESOURCE_EXHAUSTED',
    500: 'INTERNAL',
  };
  return names[status] ?? 'UNAVAILABLE';
}

/** Amazon ends a stream with a message of its own where others send an `error` event. */
const amazonStreamName: Record<string, string> = {
  overloaded_error: 'serviceUnavailableException',
  rate_limit_error: 'throttlingException',
  api_error: 'internalServerException',
  invalid_request_error: 'validationException',
};

/** The body as Anthropic's own API would have got it: other platforms put model and streaming into the path. */
function canonical(url: string, body: string): string {
  const model = /\/models?\/([^/:]+)/.exec(url)?.[1];
  const streams = /stream/i.test(url);
  return JSON.stringify({
    ...(model ? { model: decodeURIComponent(model) } : {}),
    ...(streams ? { stream: true } : {}),
    ...(JSON.parse(body || '{}') as object),
  });
}

/** One message of Amazon's event stream: https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html */
function awsFrame(json: string): Buffer {
  const { type, error } = JSON.parse(json) as { type?: string; error?: { type: string; message?: string } };
  const failed = type === 'error' && error !== undefined;
  const payload = Buffer.from(JSON.stringify(failed ? { message: error.message ?? '' } : { bytes: Buffer.from(json).toString('base64') }));
  const headers = Buffer.concat([
    failed ? awsHeader(':exception-type', amazonStreamName[error.type] ?? 'internalServerException') : awsHeader(':event-type', 'chunk'),
    awsHeader(':content-type', 'application/json'),
    awsHeader(':message-type', failed ? 'exception' : 'event'),
  ]);
  const frame = Buffer.alloc(16 + headers.length + payload.length);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(headers.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  headers.copy(frame, 12);
  payload.copy(frame, 12 + headers.length);
  frame.writeUInt32BE(crc32(frame.subarray(0, frame.length - 4)), frame.length - 4);
  return frame;
}

function awsHeader(name: string, value: string): Buffer {
  const header = Buffer.alloc(1 + name.length + 3 + value.length);
  header.writeUInt8(name.length, 0);
  header.write(name, 1);
  header.writeUInt8(7, 1 + name.length);
  header.writeUInt16BE(value.length, 2 + name.length);
  header.write(value, 4 + name.length);
  return header;
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
