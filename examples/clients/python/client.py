#!/usr/bin/python3
"""A gateway's side of credbroker: pick an auth, report what came of it, do what is next, and decide by the reason of an error.

./generate.sh && /usr/bin/python3 client.py [ADDRESS [PROVIDER [MODEL [RETRY_AFTER]]]]
"""
import os
import pathlib
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "stubs"))  # generate.sh writes it

import grpc
from credbroker.v1 import broker_pb2 as pb, broker_pb2_grpc
from google.rpc import error_details_pb2, status_pb2


def main(address, provider, model, retry_after):
    options = [
        ("grpc.enable_http_proxy", 0),  # the broker is a neighbour
        # A broker that was away is found again within a second, not after two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
    ]
    with connect(address, options) as channel:  # one for the life of the gateway
        try:
            return serve(broker_pb2_grpc.CredentialBrokerStub(channel), provider, model, retry_after)
        except grpc.RpcError as error:
            return handle(error)


def connect(address, options):
    """Encrypts where CREDBROKER_TLS_CA names the broker's authority, and shows a certificate where there is one."""
    files = [os.environ.get(name) for name in ("CREDBROKER_TLS_CA", "CREDBROKER_TLS_KEY", "CREDBROKER_TLS_CERT")]
    if not files[0]:
        return grpc.insecure_channel(address, options)
    authority, key, certificate = [file and pathlib.Path(file).read_bytes() for file in files]
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(authority, key, certificate), options)


PATIENCE = 5  # seconds that the client of this gateway has time


def serve(broker, provider, model, retry_after):
    """What a gateway does for one request of its own client: pick, send, report, and then what the verdict says is next."""
    # Each call has a deadline of its own: between two of them lies the upstream's answer, which may take minutes.
    # The broker logs the id: give it the one that is in your own log.
    call = {"timeout": 5, "metadata": [("x-request-id", f"python-client-{os.getpid()}")]}
    if token := os.environ.get("CREDBROKER_TOKEN"):  # not beyond this machine without TLS
        call["metadata"].append(("authorization", "Bearer " + token))
    request = pb.PickCredentialRequest(
        provider=provider,
        model=model,
        # As the client sent them: they tell which conversation this is, so that it stays with its auth.
        headers={"X-Session-ID": "python-example"},
        body=b'{"messages": [{"role": "user", "content": "Hello"}]}',
        # The shape of errors for the client, where the gateway knows it.
        client_format=pb.CLIENT_FORMAT_OPENAI_CHAT,
    )
    tried, upstream = [], 429  # what the upstream shall answer to the first attempt
    while True:
        picked = broker.PickCredential(request, **call)
        auth, binding = picked.credential, pb.Binding.Name(picked.session.binding)
        # Through auth.proxy_url if there is one. The values of the headers are secret: they go upstream and into no log.
        print(f"{auth.auth_id} ({binding}): send model {auth.model} to {auth.base_url or 'the provider'}"
              f" with {', '.join(sorted(auth.request_headers))}")
        # Successes too, and the answer as it is: what it means is the broker's business.
        report = pb.ReportResultRequest(
            auth_id=auth.auth_id, model=auth.model, pick_id=picked.pick_id, http_status=upstream, tried_auth_ids=tried)
        if upstream == 200:  # conversations that open alike are told apart by their answers
            report.answer_message = b'{"role": "assistant", "content": "Hi there"}'
            broker.ReportResult(report, **call)  # a failure is worth a line in the log; the client is served all the same
            return 0
        # A stream that fails after part of it reached the client gets outcome=pb.OUTCOME_STREAM_BROKEN: next is then NEXT_DONE.
        report.headers["Retry-After"] = retry_after
        report.body = b'{"error": {"message": "Rate limit reached"}}'
        verdict = broker.ReportResult(report, **call).verdict  # if this fails, nobody knows whose fault it is: answer 500
        if verdict.HasField("until"):
            print(f"{auth.auth_id} is cooling down until {verdict.until.ToJsonString()}")
        tried.append(auth.auth_id)
        request.attempt_of = picked.pick_id
        upstream = 200
        wait = verdict.wait.ToTimedelta().total_seconds()
        if verdict.next == pb.NEXT_PICK_AGAIN:
            request.exclude_auth_ids[:] = tried
        elif verdict.next == pb.NEXT_WAIT and wait <= PATIENCE:
            print(f"all are out: waiting {wait}s")
            time.sleep(wait)
            del request.exclude_auth_ids[:]
        elif verdict.next == pb.NEXT_DONE:
            return 0
        else:  # NEXT_RETURN, or no time to wait
            answer_client(verdict.client_answer if verdict.HasField("client_answer") else upstream_answer(report))
            return 4


def upstream_answer(report):
    """What the upstream answered: it is for the client where the broker has no other answer."""
    return pb.HttpError(status=report.http_status, headers=report.headers, body=report.body)


def answer_client(answer):
    print(f"answer {answer.status} {dict(answer.headers)}\n{answer.body.decode()}")


def details_of(error):
    """The details of an error, one of each type; those that the broker did not send are empty."""
    details = [error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo(), pb.HttpError()]
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in status_pb2.Status.FromString(value).details:
                for detail in details:
                    packed.Unpack(detail)  # does nothing if it is of another type
    return details


def handle(error):
    """Decides by the reason of an error, never by its code alone, and returns the exit code."""
    info, retry, answer = details_of(error)
    wait = f"{retry.retry_delay.ToTimedelta().total_seconds()}s" if retry.HasField("retry_delay") else "none"
    if not info.reason:  # the transport's own error. UNAVAILABLE: no broker there; DEADLINE_EXCEEDED: one that is too slow
        print(f"no broker answered, {error.code().name}: {error.details()}")
        return 3
    if info.reason in ("MODEL_COOLDOWN", "AUTH_UNAVAILABLE"):  # pass the answer on as it is, or wait if that is short enough
        print(f"no auth, {info.reason}: {error.details()} (retry delay: {wait})")
        answer_client(answer)
        return 4
    if info.reason == "SESSION_PINNED":  # WAIT for the one auth that can go on, or STRIP the reference, send all messages and pick again
        print(f"{info.metadata['advice']} for {info.metadata['reference']}: {error.details()} (retry delay: {wait})")
        answer_client(answer)  # where the gateway does neither
        return 4
    if info.reason in ("OVERLOADED", "RATE_LIMITED", "STATE_UNAVAILABLE"):  # the broker is busy: the same call again, after a while
        print(f"busy, {info.reason}: {error.details()} (retry delay: {wait})")
    else:  # the gateway or the configuration is wrong: log it, and pass on the answer that a refused pick has, else a 500
        print(f"refused, {info.reason}: {error.details()}")
        if answer.status:
            answer_client(answer)
    return 1


if __name__ == "__main__":
    given = sys.argv[1:] + [""] * 4
    broker_address = given[0] or os.environ.get("CREDBROKER_ADDRESS") or "127.0.0.1:7420"  # or unix:///path
    sys.exit(main(broker_address, given[1] or "claude", given[2] or "claude-sonnet-4-5", given[3] or "30"))
