'use strict';
// A gateway's side of credbroker: pick an auth, report what came of it, do what is next, and decide by the reason of an error.
//
//   npm ci && node client.js [ADDRESS [PROVIDER [MODEL [RETRY_AFTER]]]]
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const proto = path.join(__dirname, '../../../proto');
const definition = loader.loadSync(['credbroker/v1/broker.proto', 'google/rpc/error_details.proto'], {
  includeDirs: [proto, path.join(proto, 'third_party')],
  defaults: true,
  enums: String,
  longs: Number,
  json: true, // unpacks the details of errors
});
const { CredentialBroker } = grpc.loadPackageDefinition(definition).credbroker.v1;

async function main([address, provider = 'claude', model = 'claude-sonnet-4-5', retryAfter = '30']) {
  address ||= process.env.CREDBROKER_ADDRESS || '127.0.0.1:7420'; // or unix:///path
  const broker = new CredentialBroker(address, security(), { // one for the life of the gateway
    'grpc.enable_http_proxy': 0, // the broker is a neighbour
    // A broker that was away is found again within a second, not after two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
  });
  process.exitCode = await serve(broker, provider, model, retryAfter).catch(handle);
  broker.close();
}

// Encrypts where CREDBROKER_TLS_CA names the broker's authority, and shows a certificate where there is one.
function security() {
  const [authority, key, certificate] = ['CREDBROKER_TLS_CA', 'CREDBROKER_TLS_KEY', 'CREDBROKER_TLS_CERT']
    .map((name) => (process.env[name] ? fs.readFileSync(process.env[name]) : null));
  return authority ? grpc.credentials.createSsl(authority, key, certificate) : grpc.credentials.createInsecure();
}

const patience = 5; // seconds that the client of this gateway has time

// What a gateway does for one request of its own client: pick, send, report, and then what the verdict says is next.
async function serve(broker, provider, model, retryAfter) {
  const request = {
    provider,
    model,
    // As the client sent them: they tell which conversation this is, so that it stays with its auth.
    headers: { 'X-Session-ID': 'node-example' },
    body: Buffer.from('{"messages": [{"role": "user", "content": "Hello"}]}'),
    // The shape of errors for the client, where the gateway knows it.
    clientFormat: 'CLIENT_FORMAT_OPENAI_CHAT',
  };
  const tried = [];
  for (let upstream = 429; ; upstream = 200) { // what the upstream shall answer to the first attempt and to the others
    const { credential: auth, session, pickId } = await call(broker, 'pickCredential', request);
    // Through auth.proxyUrl if there is one. The values of the headers are secret: they go upstream and into no log.
    console.log(`${auth.authId} (${session.binding}): send model ${auth.model} to ${auth.baseUrl || 'the provider'}`
      + ` with ${Object.keys(auth.requestHeaders).sort().join(', ')}`);
    // Successes too, and the answer as it is: what it means is the broker's business.
    const report = { authId: auth.authId, model: auth.model, pickId, httpStatus: upstream, triedAuthIds: tried };
    if (upstream === 200) { // conversations that open alike are told apart by their answers
      report.answerMessage = Buffer.from('{"role": "assistant", "content": "Hi there"}');
      await call(broker, 'reportResult', report); // a failure is worth a line in the log; the client is served all the same
      return 0;
    }
    // A stream that fails after part of it reached the client gets outcome: 'OUTCOME_STREAM_BROKEN': next is then NEXT_DONE.
    Object.assign(report, { headers: { 'Retry-After': retryAfter }, body: Buffer.from('{"error": {"message": "Rate limit reached"}}') });
    const { verdict } = await call(broker, 'reportResult', report); // if this fails, nobody knows whose fault it is: answer 500
    if (verdict.until) console.log(`${auth.authId} is cooling down until ${new Date(verdict.until.seconds * 1000).toISOString()}`);
    tried.push(auth.authId);
    request.attemptOf = pickId;
    const wait = verdict.wait ? verdict.wait.seconds + verdict.wait.nanos / 1e9 : 0;
    if (verdict.next === 'NEXT_PICK_AGAIN') {
      request.excludeAuthIds = tried;
    } else if (verdict.next === 'NEXT_WAIT' && wait <= patience) {
      console.log(`all are out: waiting ${wait}s`);
      await new Promise((resolve) => { setTimeout(resolve, wait * 1000); });
      request.excludeAuthIds = [];
    } else if (verdict.next === 'NEXT_DONE') {
      return 0;
    } else { // NEXT_RETURN, or no time to wait
      answerClient(verdict.clientAnswer ?? { status: report.httpStatus, headers: report.headers, body: report.body });
      return 4;
    }
  }
}

// Answers the client: with what the broker gives, or else with what the upstream answered, which is the client's own fault.
function answerClient(answer) {
  console.log(`answer ${answer.status} ${JSON.stringify(answer.headers)}\n${answer.body}`);
}

// Each call has a deadline of its own: between two of them lies the upstream's answer, which may take minutes.
function call(broker, method, request) {
  const metadata = new grpc.Metadata();
  metadata.set('x-request-id', `node-client-${process.pid}`); // the broker logs it: give it the id that is in your own log
  // Not beyond this machine without TLS.
  if (process.env.CREDBROKER_TOKEN) metadata.set('authorization', `Bearer ${process.env.CREDBROKER_TOKEN}`);
  return new Promise((resolve, reject) => {
    broker[method](request, metadata, { deadline: Date.now() + 5000 }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

// The details of an error by the names of their types.
function detailsOf(error) {
  const [bytes = Buffer.alloc(0)] = error.metadata?.get('grpc-status-details-bin') ?? [];
  const { details } = definition['google.rpc.Status'].deserialize(bytes);
  return Object.fromEntries(details.map((detail) => [detail['@type']?.split('.').pop(), detail]));
}

// Decides by the reason of an error, never by its code alone, and returns the exit code.
function handle(error) {
  if (!(error.code in grpc.status)) throw error; // not from a call
  const { ErrorInfo: info, RetryInfo: retry, HttpError: answer } = detailsOf(error);
  const wait = retry ? `${retry.retryDelay.seconds + retry.retryDelay.nanos / 1e9}s` : 'none';
  switch (info?.reason) {
    case undefined: // the transport's own error. UNAVAILABLE: no broker there; DEADLINE_EXCEEDED: one that is too slow
      console.log(`no broker answered, ${grpc.status[error.code]}: ${error.details}`);
      return 3;
    case 'MODEL_COOLDOWN': case 'AUTH_UNAVAILABLE': // pass the answer on as it is, or wait if that is short enough
      console.log(`no auth, ${info.reason}: ${error.details} (retry delay: ${wait})`);
      answerClient(answer);
      return 4;
    case 'SESSION_PINNED': // WAIT for the one auth that can go on, or STRIP the reference, send all messages and pick again
      console.log(`${info.metadata.advice} for ${info.metadata.reference}: ${error.details} (retry delay: ${wait})`);
      answerClient(answer); // where the gateway does neither
      return 4;
    case 'OVERLOADED': case 'RATE_LIMITED': case 'STATE_UNAVAILABLE': // the broker is busy: the same call again, after a while
      console.log(`busy, ${info.reason}: ${error.details} (retry delay: ${wait})`);
      return 1;
    default: // the gateway or the configuration is wrong: log it, and pass on the answer that a refused pick has, else a 500
      console.log(`refused, ${info.reason}: ${error.details}`);
      if (answer) answerClient(answer);
      return 1;
  }
}

main(process.argv.slice(2));
