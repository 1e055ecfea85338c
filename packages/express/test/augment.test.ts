import '@holdfast/express/augment';
import { holdfastExpress } from '@holdfast/express';
import type { Request, Response } from 'express';
import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';

it('gives requests a property once the augmentation is imported', () => {
  const request = { headers: {} } as Request;
  const response = new EventEmitter() as unknown as Response;
  let seen: unknown;

  holdfastExpress({ client: 'the client' })(request, response, () => {
    seen = request.holdfast.client;
  });

  expect(seen).toBe('the client');
});
