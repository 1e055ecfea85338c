import { smoke } from '@holdfast/chat-page/smoke';

await smoke([process.execPath, '--conditions=@holdfast/source', 'src/main.ts']);
