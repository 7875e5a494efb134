# Made by `python -m tests.tools.test_builtin_types`: not to be edited.
# fmt: off
# ruff: noqa
"""The types of the toolboxes that are built in."""

from typing import Any, Literal

from terse_temporal.tools.builtin.email.models import Attachment as _Attachment
from terse_temporal.tools.builtin.email.models import EmailReceipt as _EmailReceipt
from terse_temporal.tools.builtin.http.models import HttpResponse as _HttpResponse
from terse_temporal.tools.builtin.slack.tools import SlackChannel as _SlackChannel
from terse_temporal.tools.builtin.slack.tools import SlackMessage as _SlackMessage
from terse_temporal.tools.toolbox import Toolbox, ToolPath

class _Email(ToolPath):
    async def send(
        self,
        *,
        to: str | list[str],
        subject: str,
        text: str | None = ...,
        html: str | None = ...,
        cc: str | list[str] | None = ...,
        bcc: str | list[str] | None = ...,
        reply_to: str | list[str] | None = ...,
        from_: str | None = ...,
        attachments: list[_Attachment | dict[str, Any]] | None = ...,
        timeout: str = ...,
    ) -> _EmailReceipt:
        """Send an email.

        Args:
            to: one address or a list of them, each as `ada@example.com` or `Ada <ada@example.com>`. 500 at most.
            subject: one line, of 1,000 characters at most.
            text: the message as plain text, and
            html: as HTML: one of them, or both for the reader's program to choose from.
            cc: as `to`.
            bcc: likewise; these are not in the message.
            reply_to: where answers go.
            from_: the sender, instead of `SMTP_FROM`.
            attachments: files, with their content.
            timeout: for all of it; at most 9 minutes.

        Returns:
            Whom the server has taken it for, and whom not: that some are refused is no error.

        Raises:
            StepInputError: an address is none, a line is more than one, or stands for something else (an encoded word of
                RFC 2047); before anything is scheduled.
            ToolError: the server refused the message or everybody it is for, or the login (its `.code` is the reply's);
                it does not speak TLS; an environment variable is missing or wrong.
            TransientError: one that may be gone the next time. Tried again, five times in all: when the connection
                failed before the message was on its way, and after a reply of 4yz, by which the server has not taken it.
                Not tried again: when the connection broke after that, for the server may have taken it.
            MissingExtraError: aiosmtplib is not installed.

        The `Message-ID` is made of the step's idempotency key. A message that is sent again, because its worker was lost
        meanwhile, carries the same one: many mail programs and servers then show it once, and a log tells that it is one
        message. No standard makes them.
        """

class _Http(ToolPath):
    async def request(
        self,
        *,
        method: str,
        url: str,
        params: dict[str, Any] | None = ...,
        headers: dict[str, str] | None = ...,
        json: Any = ...,
        form: dict[str, Any] | None = ...,
        body: str | None = ...,
        timeout: str = ...,
        auth_env: str | None = ...,
        headers_env: dict[str, str] | None = ...,
        idempotent: bool = ...,
        follow_redirects: bool = ...,
        raise_for_status: bool = ...,
    ) -> _HttpResponse:
        """Make an HTTP request, and return the answer: its status, headers, and body as JSON or text.

        Args:
            method: such as `"GET"`.
            url: `http://` or `https://`, without a user name or password.
            params: added to the query of the URL.
            headers: of the request; not those that hold credentials, nor `Content-Length` and others of the connection.
            json: sent as JSON. Give this, `form` or `body`, or none of them.
            form: sent as a form is.
            body: sent as it is, as UTF-8; say what it is with a `Content-Type` header.
            timeout: of the whole request, with redirects; at most 9 minutes.
            auth_env: the environment variable whose value is sent as `Authorization: Bearer …`.
            headers_env: headers whose values are in the environment: `{"X-Api-Key": "CRM_KEY"}`.
            idempotent: the other side takes the `Idempotency-Key`, or the request by its nature may be carried out twice,
                so that a POST or PATCH is repeated as a PUT is.
            follow_redirects: of GET and HEAD, five at most. Credentials go to no other host. Other methods' never are.
            raise_for_status: a status of 400 and more, and a redirect that is not followed, is an error. With `False` it is
                returned, and so not repeated.

        Raises:
            ToolError: the answer is such an error (its `.status`), is not text, or is larger than 2 MiB; an environment
                variable is missing. `TransientError`, which is one, where the request is repeated: a connection that
                never came about, for any method; for GET, HEAD, OPTIONS, PUT, DELETE and with `idempotent=True` also one
                that broke, 408, 425, 429 and 5xx. Five times in all, and not before a `Retry-After`.
            MissingExtraError: httpx is not installed.

        Every method but GET and HEAD carries the step's idempotency key as `Idempotency-Key`, unless `headers` has one.
        A worker that is lost during a request repeats it, whatever the method.
        """

class _Slack(ToolPath):
    async def list_channels(
        self,
        *,
        limit: int = ...,
        types: list[Literal["public_channel", "private_channel", "mpim", "im"]] | None = ...,
        exclude_archived: bool = ...,
    ) -> list[_SlackChannel]:
        """List the channels that the app can see.

        Args:
            limit: how many at most. Slack gives 200 at a time, and answers 20 such requests a minute.
            types: which kinds; without it the public channels.
            exclude_archived: leave out those that are archived.

        Raises:
            ToolError, MissingExtraError: as `slack.send_message`.

        Needs the scope `channels:read`; for other types `groups:read`, `mpim:read`, `im:read`. It is retried when the
        connection breaks, on 429 (after what Slack asks for) and on 5xx, from the first page on.
        """
    async def reply_in_thread(
        self,
        *,
        channel_id: str,
        thread_ts: str,
        message: str,
        blocks: list[dict[str, Any]] | None = ...,
        broadcast: bool = ...,
        metadata: dict[str, Any] | None = ...,
    ) -> _SlackMessage:
        """Reply in the thread of a Slack message.

        Args:
            channel_id: the channel of the message.
            thread_ts: the `ts` of the message.
            message: the text, as in `slack.send_message`; `blocks` and `metadata` likewise.
            blocks: Block Kit, instead of the text.
            broadcast: whether the channel sees it too.
            metadata: instead of that which carries the idempotency key.

        Raises:
            ToolError, MissingExtraError: as `slack.send_message`, by whose rules it is retried too.
        """
    async def send_message(
        self,
        *,
        channel_id: str,
        message: str,
        blocks: list[dict[str, Any]] | None = ...,
        thread_ts: str | None = ...,
        unfurl_links: bool | None = ...,
        metadata: dict[str, Any] | None = ...,
    ) -> _SlackMessage:
        """Post a message to a Slack channel.

        Args:
            channel_id: the id of a channel, or of a user for a direct message. The app must be in the channel, or have the
                scope `chat:write.public`.
            message: its text, as Slack's mrkdwn; with `blocks` what notifications show.
            blocks: Block Kit, instead of the text.
            thread_ts: the message in whose thread it goes.
            unfurl_links: whether links get a preview; without it, as the workspace has it.
            metadata: `{"event_type": …, "event_payload": {…}}`, instead of that which carries the idempotency key.

        Returns:
            Where the message is.

        Raises:
            ToolError: Slack refused; `.code` is its word for why (`not_in_channel`), `.status` 429 and `.retry_after` tell
                of its rate limit (about one message a second and channel).
            MissingExtraError: slack_sdk or aiohttp is not installed.

        Needs `SLACK_BOT_TOKEN`, with the scope `chat:write`. It is tried once after the request has been sent, whatever the
        answer, a 429 too: a message cannot be told from its repetition. If a worker is lost during the call, it is posted
        again. The message's metadata has the step's idempotency key, by which a reader of the channel's history
        (`include_all_metadata=true`) tells the two.
        """
    async def update_message(
        self,
        *,
        channel_id: str,
        ts: str,
        message: str,
        blocks: list[dict[str, Any]] | None = ...,
    ) -> _SlackMessage:
        """Replace the text of a Slack message that this app has posted.

        Args:
            channel_id: its channel, by its id, as sending it returned it.
            ts: which message of the channel, likewise.
            message: the new text; `blocks` as in `slack.send_message`. Blocks that it had are gone if none are given.
            blocks: Block Kit, instead of the text.

        Raises:
            ToolError, MissingExtraError: as `slack.send_message`.

        It is retried when the connection breaks, on 429 (after what Slack asks for) and on 5xx.
        """

class BuiltInToolbox(Toolbox):
    @property
    def email(self) -> _Email: ...
    @property
    def http(self) -> _Http: ...
    @property
    def slack(self) -> _Slack: ...
