"""Stripe's refusals: `{"error": {"type", "code", "message", "param", "doc_url"}}` and an HTTP status."""

from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type_: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        extra: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type_
        self.code = code
        self.param = param
        self.extra = extra or {}

    def body(self) -> Json:
        error: Json = {"message": self.message, "type": self.type, **self.extra}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param is not None:
            error["param"] = self.param
        return {"error": error}


class InvalidParameters(ApiError):
    """The parameters failed validation: no endpoint began to execute, so no answer is kept under the key."""


def unknown_parameters(names: list[str]) -> InvalidParameters:
    plural = "s" if len(names) > 1 else ""
    message = f"Received unknown parameter{plural}: {', '.join(names)}"
    return InvalidParameters(message, code="parameter_unknown", param=names[0])


def missing_parameter(name: str) -> InvalidParameters:
    return InvalidParameters(f"Missing required param: {name}.", code="parameter_missing", param=name)


def no_such(noun: str, identifier: str, *, param: str = "id") -> ApiError:
    """An unknown id: 404 when the path names it, 400 when a parameter does, as Stripe has it."""
    return ApiError(
        f"No such {noun}: '{identifier}'",
        status=404 if param == "id" else 400,
        code="resource_missing",
        param=param,
    )


def no_access(key_hint: str, account: str) -> ApiError:
    return ApiError(
        f"The provided key '{key_hint}' does not have access to account '{account}' (or that account does not "
        "exist). Application access may have been revoked.",
        status=403,
        code="account_invalid",
    )


def internal_error() -> ApiError:
    return ApiError(
        "An unknown error occurred. If the problem persists, please contact support.", status=500, type_="api_error"
    )


def rate_limited() -> ApiError:
    return ApiError(
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        status=429,
        code="rate_limit",
    )
