// Options over defaults. Most programs are compiled so that an option may be given as undefined: it is not given then.

type Partly<Given> = { readonly [Name in keyof Given]?: Given[Name] | undefined };

/** `defaults` with what `options` sets. */
export function withDefaults<Defaults extends object>(defaults: Defaults, options: Partly<Defaults> = {}): Defaults {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(given) as Partial<Defaults>) };
}
