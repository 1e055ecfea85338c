import { smoke } from '@holdfast/chat-page/smoke';

await smoke([process.execPath, 'dist/main.js']);
