// What the declarations of @trpc/client ask of a browser. Nothing of Holdfast asks for one.
type RequestInfo = Parameters<typeof fetch>[0];
