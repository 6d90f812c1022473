// One company as Segue's API tells it, for what a test of looks needs on the screen all at once: long lists, failures, gaps.
const START = Date.parse('2026-11-24T12:00:00Z');
export const ago = (seconds) => new Date(START - seconds * 1000).toISOString();

export const ada = {
  id: 'p1',
  login: 'ada',
  name: 'Ada Keller',
  role: 'admin',
  disabled: false,
  must_change_password: false,
  created_at: ago(9e5),
  last_seen_at: ago(4),
};
export const PERMISSIONS = [
  ...[
    'activity',
    'chat',
    'documents',
    'documents.manage',
    'documents.write',
    'engines',
    'engines.manage',
    'keys.manage',
    'models',
    'people',
  ],
  ...['people.manage', 'settings', 'signed_in', 'traffic'],
];
export const session = {
  person: ada,
  permissions: PERMISSIONS,
  csrf: 'token-1',
  setup_needed: false,
  sign_in: ['password', 'oidc'],
  oidc_name: 'Acme Login',
  store: { state: 'ready', detail: null },
};

export const sources = [
  {
    ...{
      n: 1,
      passage: 'q1',
      document: 'd1',
      collection: 'segue',
      title: 'Operations',
      path: 'docs/operations.md',
    },
    text: "Set OLLAMA_HOST to Segue's address, for example OLLAMA_HOST=http://127.0.0.1:8484. OpenAI clients get http://127.0.0.1:8484/v1.",
    ...{
      heading: ['Getting started', 'Point your application at Segue'],
      page: null,
      first_line: 12,
      last_line: 19,
    },
  },
  {
    ...{
      n: 2,
      passage: 'q2',
      document: 'd2',
      collection: 'segue',
      title: 'Configuration',
      path: 'docs/configuration.md',
    },
    text: 'Every key has an environment name (SEGUE_LISTEN); order: flag, environment, file, default.',
    ...{ heading: ['Environment'], page: 3, first_line: null, last_line: null },
  },
];
export const ANSWER = `Set \`OLLAMA_HOST\` to Segue's address, and nothing else changes for your application [1]. OpenAI clients take the same address with \`/v1\` behind it [1].

\`\`\`bash
export OLLAMA_HOST=http://127.0.0.1:8484
ollama run llama3.1:8b "Hello"
\`\`\`

| Client | What to set | Value |
|---|---|--:|
| Ollama and its libraries | \`OLLAMA_HOST\` | \`http://127.0.0.1:8484\` |
| OpenAI SDKs | \`base_url\` | \`http://127.0.0.1:8484/v1\` |

1. Every key has an environment name; the order is flag, environment, file, default [2].
2. The mean is $c = \\frac{t}{n}$ over all of them [3].
`;
export const citationsOf = (text) =>
  [...text.matchAll(/\[(\d)\]/g)].map((found) => {
    const n = Number(found[1]);
    return {
      n,
      start: found.index,
      end: found.index + 3,
      supported: n < 3,
      reason: n < 3 ? null : 'no_such_source',
    };
  });
export const record = {
  ...{
    engine: 'gpu-1',
    engine_kind: 'vllm',
    rehearsal: false,
    model: 'llama3.1:8b',
    first_token_ms: 210,
    total_ms: 3400,
  },
  ...{
    tokens_per_second: 58.2,
    tokens_in: 1890,
    tokens_out: 182,
    cached_tokens: 1024,
    queue_ms: null,
    search_ms: 41,
  },
  ...{ finish_reason: 'stop', request_id: 'req_8f2a4c0d', previous_engine: null },
};

const breaker = {
  reason: null,
  next_trial_in_ms: null,
  in_state_ms: 1e7,
  last_ejection_ms: 0,
  failures_in_a_row: 0,
  window_requests: 120,
  window_failures: 0,
  ejections: {},
};
export const engines = [
  {
    ...{
      name: 'gpu-1',
      url: 'http://10.0.0.5:8000',
      dialect: 'openai',
      kind: 'vllm',
      version: '0.32.0',
      state: 'up',
      rehearsal: false,
      drained: false,
    },
    ...{
      sleeping: false,
      ejected: false,
      breaker: { ...breaker, state: 'closed' },
      in_flight: 7,
      problem: null,
      latency_ms: 3.2,
      running: 7,
    },
    ...{ waiting: 0, kv_cache_usage: 0.42, load_signal: 'fresh', load_age_ms: 120, probed_at: ago(2) },
    admission: {
      kind: 'adaptive',
      limit: 32,
      in_flight: 7,
      waiting_interactive: 0,
      waiting_batch: 3,
      queue: 256,
      baseline_ms: 80,
    },
    models: [{ name: 'meta-llama/Llama-3.1-8B-Instruct', max_model_len: 131072, capabilities: ['chat'] }],
  },
  {
    ...{
      name: 'cpu-1',
      url: 'http://127.0.0.1:11434',
      dialect: 'ollama',
      kind: 'ollama',
      version: '0.33.0',
      state: 'up',
      rehearsal: false,
      drained: false,
    },
    breaker: {
      ...breaker,
      state: 'open',
      reason: '3 of 4 requests stalled',
      next_trial_in_ms: 8200,
      in_state_ms: 21000,
    },
    ...{
      sleeping: false,
      ejected: true,
      in_flight: 0,
      problem: null,
      latency_ms: 12,
      running: null,
      waiting: null,
      kv_cache_usage: null,
    },
    ...{ load_signal: 'missing', load_age_ms: null, admission: null, probed_at: ago(4) },
    models: ['llama3.1:8b', 'qwen3:4b', 'nomic-embed-text'].map((name) => ({
      name,
      max_model_len: 8192,
      capabilities: [],
    })),
  },
];
export const engineLog = [
  [21, 'put_aside', '3 of 4 requests stalled'],
  [340, 'resumed', ''],
  [4100, 'drained', 'Ada Keller'],
  [90_000, 'up', 'ollama 0.33.0'],
  [90_060, 'down', 'cannot reach http://127.0.0.1:11434 (connection refused)'],
].map(([seconds, change, detail]) => ({ at: ago(seconds), change, detail }));
const grant = (kind, id = '') => ({ kind, id });
export const collections = [
  {
    ...{
      id: 'segue',
      name: 'Segue',
      description: "Segue's own documentation",
      built_in: true,
      documents: 9,
      passages: 412,
      embedded: 412,
    },
    ...{ failed: 0, readers: [grant('everyone')], writers: [], can_write: false, updated_at: ago(4000) },
  },
  {
    ...{
      id: 'handbook',
      name: 'Handbook',
      description: 'How we work',
      built_in: false,
      documents: 128,
      passages: 9120,
      embedded: 7312,
    },
    ...{
      failed: 2,
      readers: [grant('everyone')],
      writers: [grant('role', 'writer')],
      can_write: true,
      updated_at: ago(70),
    },
  },
];
const FILES = [
  ['hr/holidays.md', 'Holidays', 'markdown', 'ready'],
  ['it/vpn.pdf', 'VPN', 'pdf', 'failed'],
  ['contracts/Rahmenvertrag 2026.docx', 'Rahmenvertrag 2026', 'docx', 'embedding'],
  ['finance/prices.xlsx', 'Prices', 'xlsx', 'reading'],
  ['it/onboarding.html', 'Onboarding', 'html', 'ready'],
  [
    'it/a-very-long-name-that-somebody-gave-to-a-file-because-there-was-no-limit-to-what-one-may-type-here.txt',
    'Long',
    'text',
    'ready',
  ],
];
export const documents = FILES.map(([path, title, type, state], at) => ({
  ...{ id: `d${at}`, collection: 'handbook', path, title, type, bytes: 12_000 * (at + 1), state },
  problem: state === 'failed' ? 'the PDF is encrypted; save it without a password and add it again' : null,
  ...{
    passages: 40,
    embedded: state === 'embedding' ? 12 : 40,
    pages: type === 'pdf' ? 12 : null,
    updated_at: ago(600 * at),
  },
}));
export const passages = Array.from({ length: 24 }, (_, at) => ({
  id: `q${at + 1}`,
  text:
    at === 0
      ? sources[0].text
      : `Passage ${at + 1}. ${'Teams write their own pages; each page has an owner and a date. '.repeat(3 + (at % 3))}`,
  heading: ['Getting started', at % 4 ? `Details ${Math.floor(at / 4)}` : 'Overview'],
  ...{ page: 1 + Math.floor(at / 5), first_line: at * 8 + 1, last_line: at * 8 + 7 },
}));
export const hits = sources.map((one, at) => ({
  ...one,
  ...{
    type: 'markdown',
    score: 0.92 - at * 0.1,
    snippet: one.text.replace(/address|environment/g, '\u0002$&\u0003'),
  },
  explain: {
    keyword: { rank: at + 1, score: 11.2 - at, scaled: 1 - at * 0.2 },
    vector: at ? { rank: null, score: null, scaled: 0 } : { rank: 2, score: 0.81, scaled: 0.9 },
    terms: ['address', 'environ'],
  },
}));
export const people = [
  ada,
  { ...ada, id: 'p2', login: 'bo', name: 'Bo Lindqvist', role: 'writer' },
  { ...ada, id: 'p3', login: 'chen', name: '陈伟', role: 'reader', last_seen_at: null },
  { ...ada, id: 'p4', login: 'dora', name: 'Dora M.', role: 'user', disabled: true, last_seen_at: ago(8e5) },
];
export const keys = [
  {
    ...{
      id: 'k1',
      name: 'acme-chat production',
      created_at: ago(5e6),
      expires_at: null,
      last_used_at: ago(12),
      models: [],
    },
    ...{
      requests_per_minute: 600,
      tokens_per_minute: null,
      streams: 40,
      priority: 'interactive',
      person: 'p1',
      revoked: false,
    },
  },
  {
    ...{
      id: 'k2',
      name: 'nightly summaries',
      created_at: ago(9e5),
      expires_at: ago(9e4),
      last_used_at: null,
      models: ['llama3*'],
    },
    ...{
      requests_per_minute: null,
      tokens_per_minute: 200_000,
      streams: 4,
      priority: 'batch',
      person: 'p1',
      revoked: false,
    },
  },
];
const ACTIONS = [
  ['session.begin', 'ada'],
  ['person.create', 'dora'],
  ['key.create', 'nightly summaries'],
  ['document.add', 'handbook'],
];
export const activity = Array.from({ length: 24 }, (_, at) => ({
  ...{ id: `a${at}`, at: ago(at * 2000), person: 'p1', person_name: at % 2 ? 'Bo Lindqvist' : 'Ada Keller' },
  ...{
    action: ACTIONS[at % 4][0],
    target: ACTIONS[at % 4][1],
    detail: at % 4 === 3 ? { document: '41' } : {},
    address: `10.0.0.${at + 3}`,
  },
}));
export const settings = {
  file: '/etc/segue/segue.yaml',
  settings: [
    ['listen', '127.0.0.1:8484', 'file'],
    ['data_dir', '/var/lib/segue', 'default'],
    ['log.level', 'info', 'environment'],
  ].map(([name, value, source]) => ({
    name,
    value,
    source,
    environment: `SEGUE_${name.toUpperCase().replace('.', '_')}`,
  })),
};

function seriesOf(model, engine) {
  const points = Array.from({ length: 60 }, (_, at) => {
    const gap = at > 30 && at < 34;
    const requests = gap ? 0 : Math.round(40 + 30 * Math.sin(at / 6));
    const around = (base) => ({
      p50: gap ? null : base * (1 + 0.1 * Math.sin(at)),
      p95: gap ? null : base * 2.1 * (1 + 0.2 * Math.sin(at / 3)),
      p99: requests < 30 ? null : base * 3.4 * (1 + 0.3 * Math.cos(at / 4)),
      count: requests,
    });
    return {
      ...{
        at: ago((60 - at) * 60),
        requests,
        errors: at % 17 === 0 ? 2 : 0,
        first_token_ms: around(180),
        total_ms: around(2600),
      },
      ...{
        tokens_per_second: gap ? null : requests * 31,
        tokens_in: requests * 900,
        tokens_out: requests * 160,
      },
    };
  });
  const all = points.reduce((sum, one) => sum + one.requests, 0);
  const whole = (p50, p95, p99) => ({ p50, p95, p99, count: all });
  const summary = {
    ...points[3],
    requests: all,
    errors: 8,
    first_token_ms: whole(181, 388, 640),
    total_ms: whole(2610, 5400, 9100),
  };
  return { model, engine, points, summary };
}
export const traffic = (by) => ({
  ...{ from: ago(3600), until: ago(0), step_s: 60 },
  series:
    by === 'engine'
      ? [seriesOf('', 'gpu-1'), seriesOf('', 'cpu-1')]
      : by === 'model'
        ? [seriesOf('llama3.1:8b', '')]
        : [seriesOf('', '')],
  marks: [{ at: ago(1500), kind: 'engine_down', text: 'cpu-1 went down: connection refused' }],
});

export function messageOf(more) {
  return {
    ...{
      id: 'm1',
      conversation: 'c1',
      parent: null,
      siblings: [more.id ?? 'm1'],
      role: 'user',
      kind: 'text',
      state: 'complete',
      text: '',
    },
    ...{
      reasoning: '',
      reasoning_ms: null,
      problem: null,
      images: [],
      sources: [],
      citations: [],
      tool_calls: [],
      context: null,
    },
    ...{ record: null, feedback: null, created_at: ago(60) },
    ...more,
  };
}
export function conversationOf(id, title, more = {}) {
  return {
    ...{
      id,
      title,
      title_by: 'question',
      model: '',
      collections: ['segue'],
      system: '',
      pinned: false,
      archived: false,
      share: null,
    },
    ...{ files: [], leaf: null, messages: 2, created_at: ago(60), updated_at: new Date().toISOString() },
    ...more,
  };
}
