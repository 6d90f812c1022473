// The way to Segue's own API: typed by the OpenAPI file, errors as values of one kind.
import { OPERATIONS, type Operations, type Problem } from './schema';

export type Fault =
  | 'offline' // no answer at all: the network, or Segue itself is gone
  | 'signed_out'
  | 'no_store' // this Segue has no database, or it is away just now
  | 'refused'; // everything else that was said with a reason

export class ApiError extends Error {
  constructor(
    readonly fault: Fault,
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly retryAfter: number | null = null,
    readonly type = 'about:blank',
  ) {
    super(detail || title);
  }
}

export const isAborted = (error: unknown) => error instanceof DOMException && error.name === 'AbortError';

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError('refused', 0, '', error instanceof Error ? error.message : String(error));
}

type Part<Name extends string, Value> = undefined extends Value
  ? unknown
  : Partial<Value> extends Value
    ? { [K in Name]?: Value }
    : { [K in Name]: Value };
export type Given<Op extends keyof Operations> = Part<'path', Operations[Op]['path']> &
  Part<'query', Operations[Op]['query']> &
  Part<'body', Operations[Op]['body']> & { signal?: AbortSignal };

interface AnyGiven {
  path?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  signal?: AbortSignal;
}

const secrets = { csrf: '', key: sessionStorage.getItem('segue.key') ?? '' };

/** The token that goes back with everything that changes something. */
export function setCsrf(token: string) {
  secrets.csrf = token;
}
/** Without a store there are no people: a gateway with keys wants one of them. Kept for this tab only. */
export function setApiKey(key: string) {
  secrets.key = key;
  if (key) sessionStorage.setItem('segue.key', key);
  else sessionStorage.removeItem('segue.key');
}

export function addressOf(op: keyof Operations, given: AnyGiven = {}): string {
  const path = OPERATIONS[op][1].replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(given.path?.[name] ?? ''),
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given.query ?? {}))
    if (value !== undefined && value !== '') query.set(name, String(value));
  return query.size ? `${path}?${query}` : path;
}

export function headersFor(method: string): Record<string, string> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (secrets.key) headers['Authorization'] = `Bearer ${secrets.key}`;
  if (method !== 'GET' && secrets.csrf) headers['Segue-Csrf'] = secrets.csrf;
  return headers;
}

const listeners = new Set<(error: ApiError) => void>();
/** Called with each error; answers how to stop listening. */
export function onApiError(listener: (error: ApiError) => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export async function refusalOf(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const status = response.status;
  const type = problem.type ?? 'about:blank';
  const fault: Fault =
    status === 401 ? 'signed_out' : status === 501 || type.includes('store') ? 'no_store' : 'refused';
  const after = problem.retry_after_s ?? Number(response.headers.get('Retry-After'));
  return new ApiError(
    fault,
    status,
    problem.title ?? response.statusText,
    problem.detail ?? '',
    after > 0 ? after : null,
    type,
  );
}

export function tell(error: ApiError): ApiError {
  for (const listener of listeners) listener(error);
  return error;
}

export async function send(
  method: string,
  address: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  const headers = headersFor(method);
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' };
  if (signal) init.signal = signal;
  if (body instanceof Blob) {
    headers['Content-Type'] = 'application/octet-stream';
    init.body = body;
  } else if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(address, init);
  } catch (error) {
    if (isAborted(error)) throw error;
    throw tell(new ApiError('offline', 0, '', ''));
  }
  if (!response.ok) throw tell(await refusalOf(response));
  return response;
}

export async function call<Op extends keyof Operations>(
  op: Op,
  ...[given]: Record<never, never> extends Given<Op> ? [given?: Given<Op>] : [given: Given<Op>]
): Promise<Operations[Op]['result']> {
  const all = (given ?? {}) as AnyGiven;
  const response = await send(OPERATIONS[op][0], addressOf(op, all), all.body, all.signal);
  if (response.status === 204 || !response.headers.get('Content-Type')?.includes('json'))
    return undefined as Operations[Op]['result'];
  return (await response.json()) as Operations[Op]['result'];
}
