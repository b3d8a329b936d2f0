"""Answers into bytes."""

import re

from gatepost.gateway.server.http_writer import response_bytes


def test_an_answer_has_its_length_and_a_request_id() -> None:
    """SDKs show the request id; without a length a client waits for the end of the link."""
    answer = response_bytes(200, (("Content-Type", "text/plain"),), b"hi", keep_alive=True)
    assert re.fullmatch(
        rb"HTTP/1\.1 200 OK\r\nx-amzn-RequestId: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\r\n"
        rb"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
        answer,
    )


def test_answers_that_are_alike_have_a_request_id_each() -> None:
    """What is kept of an answer's head is neither its id nor another answer's length or end."""
    answers = [
        response_bytes(200, (), body, keep_alive=keep_alive)
        for body, keep_alive in ((b"a", True), (b"b", True), (b"", True), (b"c", False))
    ]
    heads = [answer.partition(b"\r\n\r\n")[0].split(b"\r\n") for answer in answers]
    assert len({head[1] for head in heads}) == len(answers)
    assert [head[2] for head in heads] == [b"Content-Length: %d" % n for n in (1, 1, 0, 1)]
    assert [b"Connection: close" in head for head in heads] == [False, False, False, True]


def test_a_204_has_neither_body_nor_length() -> None:
    """RFC 9110 8.6."""
    answer = response_bytes(204, (), b"ignored", keep_alive=True)
    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in answer


def test_the_answer_to_head_announces_a_body_and_has_none() -> None:
    """RFC 9110 9.3.2."""
    answer = response_bytes(200, (), b"hi", keep_alive=True, head=True)
    assert answer.endswith(b"Content-Length: 2\r\n\r\n")


def test_the_last_answer_of_a_link_says_so() -> None:
    """So that a client does not use the link again."""
    assert b"\r\nConnection: close\r\n\r\n" in response_bytes(400, (), b"", keep_alive=False)


def test_a_function_can_neither_frame_an_answer_nor_add_lines_to_it() -> None:
    """Its headers are text, whatever they hold."""
    given = (("Content-Length", "99"), ("transfer-encoding", "chunked"), ("X-A", "1\r\nX-B: 2"))
    answer = response_bytes(403, given, b"", keep_alive=True)
    assert answer.count(b"Content-Length") == 1
    assert b"chunked" not in answer
    assert b"\r\nX-A: 1  X-B: 2\r\n" in answer


def test_an_unknown_status_needs_no_phrase() -> None:
    """Functions may answer with any status (B-042)."""
    assert response_bytes(499, (), b"", keep_alive=True).startswith(b"HTTP/1.1 499 \r\n")
