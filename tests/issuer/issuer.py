"""An OpenID Connect issuer for the tests of log-ins, on a free loopback port.

Its protocol is Authlib's: log-in by a code on another device, renewal with a token that is good once, revocation, tokens that
are signed. This program has the few objects that Authlib leaves to who uses it, and /_control, by which a test plays the person
and the operator. It prints "issuer ready: URL" when it can be asked. A second use of a token for renewing ends the whole log-in,
as issuers do that take it for theft (RFC 9700 section 4.14.2).
"""

import threading
import time

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin
from authlib.oauth2.rfc6749.errors import InvalidGrantError
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc8628 import (
    DEVICE_CODE_GRANT_TYPE,
    DeviceAuthorizationEndpoint,
    DeviceCodeGrant,
    DeviceCredentialMixin,
)
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.common.security import generate_token
from flask import Flask, jsonify, request
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

CLIENT = "vofs"

# What a test may change.
settings = {"life": 3600, "code_life": 600, "interval": 1, "slow_down": 0, "rotate": True, "down": False}
# What happened, in order.
events = []
guard = threading.RLock()
grants, users, codes = [], {}, {}
key = RSAKey.generate_key(2048, {"kid": "1", "alg": "RS256", "use": "sig"})
app = Flask(__name__)
base = ""


class User:
    def __init__(self, name):
        self.name = name

    def get_user_id(self):
        return self.name


class Client(ClientMixin):
    def get_client_id(self):
        return CLIENT

    def get_allowed_scope(self, scope):
        return " ".join(word for word in (scope or "").split() if word in ("openid", "profile", "offline_access"))

    def check_client_secret(self, client_secret):
        return False

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "none"

    def check_grant_type(self, grant_type):
        return grant_type in (DEVICE_CODE_GRANT_TYPE, "refresh_token")


class Grant(TokenMixin):
    """An access token with what renews it, as one row of a table."""

    def __init__(self, token, user, login):
        self.access, self.refresh = token["access_token"], token.get("refresh_token")
        self.scope, self.user, self.login = token.get("scope", ""), user, login
        self.ends = time.time() + token["expires_in"]
        self.used = self.revoked = False

    def check_client(self, client):
        return client.get_client_id() == CLIENT

    def get_scope(self):
        return self.scope

    def get_expires_in(self):
        return int(self.ends - time.time())

    def is_expired(self):
        return time.time() >= self.ends

    def is_revoked(self):
        return self.revoked


class Code(DeviceCredentialMixin):
    def __init__(self, scope, data):
        self.scope, self.data = scope, data
        self.ends = time.time() + data["expires_in"]
        self.decision = None
        self.slow_down = settings["slow_down"]
        # How long the client has to wait between two polls, and when the last one was.
        self.pause, self.polled = data["interval"], None

    def get_client_id(self):
        return CLIENT

    def get_scope(self):
        return self.scope

    def get_user_code(self):
        return self.data["user_code"]

    def is_expired(self):
        return time.time() >= self.ends


def end(login):
    for grant in grants:
        if grant.login == login:
            grant.revoked = True


class ByDevice(DeviceCodeGrant):
    def query_device_credential(self, device_code):
        code, now = codes.get(device_code), time.monotonic()
        # Timers may be early by a little.
        if code is not None and code.polled is not None and now - code.polled < code.pause - 0.1:
            events.append("hasty")
        if code is not None:
            code.polled = now
        return code

    def query_user_grant(self, user_code):
        code = next(code for code in codes.values() if code.get_user_code() == user_code)
        return code.decision

    def should_slow_down(self, credential):
        with guard:
            events.append("poll")
            credential.slow_down -= 1
            if credential.slow_down < 0:
                return False
            credential.pause += 5
            return True


class ByRefresh(RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]

    @property
    def INCLUDE_NEW_REFRESH_TOKEN(self):
        return settings["rotate"]

    def authenticate_refresh_token(self, refresh_token):
        with guard:
            grant = next((grant for grant in grants if grant.refresh == refresh_token), None)
            if grant is None or grant.revoked:
                events.append("refused")
                raise InvalidGrantError("the session is over")
            if grant.used:
                events.append("reused")
                end(grant.login)
                raise InvalidGrantError("this token was used before")
            # At once: two requests side by side are a second use too.
            grant.used = settings["rotate"]
            events.append("refresh")
            return grant

    def authenticate_user(self, credential):
        return credential.user

    def revoke_old_credential(self, credential):
        pass


class Devices(DeviceAuthorizationEndpoint):
    @property
    def EXPIRES_IN(self):
        return settings["code_life"]

    @property
    def INTERVAL(self):
        return settings["interval"]

    def get_verification_uri(self):
        return base + "/device"

    def save_device_credential(self, client_id, scope, data):
        codes[data["device_code"]] = Code(scope, data)


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = ["none"]

    def query_token(self, token_string, token_type_hint):
        return next((grant for grant in grants if token_string in (grant.access, grant.refresh)), None)

    def revoke_token(self, token, request):
        events.append("revoke")
        end(token.login)


class Tokens(JWTBearerTokenGenerator):
    def get_jwks(self):
        return KeySet([key])

    def get_audiences(self, client, user, scope):
        return "vofs-tests"


class Validator(BearerTokenValidator):
    def authenticate_token(self, token_string):
        return next((grant for grant in grants if grant.access == token_string), None)


def save_token(token, granted):
    before = getattr(granted, "refresh_token", None)
    login = before.login if before else len(grants)
    grants.append(Grant(token, granted.user, login))


server = AuthorizationServer(app, query_client=lambda name: Client() if name == CLIENT else None, save_token=save_token)
server.register_grant(ByDevice)
server.register_grant(ByRefresh)
server.register_endpoint(Devices)
server.register_endpoint(Revocation)
protector = ResourceProtector()
protector.register_token_validator(Validator())


@app.before_request
def outage():
    if settings["down"] and not request.path.startswith("/_control"):
        return "down for maintenance", 503


@app.get("/.well-known/openid-configuration")
def configuration():
    return jsonify(
        issuer=base,
        authorization_endpoint=base + "/authorize",
        token_endpoint=base + "/token",
        device_authorization_endpoint=base + "/devicecode",
        revocation_endpoint=base + "/revoke",
        userinfo_endpoint=base + "/userinfo",
        jwks_uri=base + "/jwks",
        response_types_supported=["code"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=["RS256"],
        scopes_supported=["openid", "profile", "offline_access"],
    )


@app.get("/jwks")
def jwks():
    return jsonify(KeySet([key]).as_dict(private=False))


@app.post("/devicecode")
def devicecode():
    return server.create_endpoint_response("device_authorization")


@app.post("/token")
def token():
    return server.create_token_response()


@app.post("/revoke")
def revoke():
    return server.create_endpoint_response("revocation")


@app.get("/userinfo")
def userinfo():
    with protector.acquire() as grant:
        return jsonify(sub="id-of-" + grant.user.name, preferred_username=grant.user.name)


@app.post("/device")
def device():
    """The page where the person enters the code; user, user_code, allow=yes|no."""
    form = request.form
    code = next((code for code in codes.values() if code.get_user_code() == form["user_code"]), None)
    if code is None:
        return "no such code", 404
    user = users.setdefault(form["user"], User(form["user"]))
    code.decision = (user, form["allow"] == "yes")
    return "done"


@app.post("/_control/settings")
def change():
    settings.update(request.get_json(force=True))
    return jsonify(settings)


@app.post("/_control/end")
def end_all():
    """Every log-in is over; with access=true, the access tokens alone."""
    wanted = request.get_json(force=True)
    with guard:
        for grant in grants:
            if wanted.get("access"):
                grant.ends = 0
            else:
                grant.revoked = True
    return "done"


@app.get("/_control/events")
def seen():
    return jsonify(events)


def main():
    global base
    http = make_server("127.0.0.1", 0, app, threaded=True)
    base = f"http://127.0.0.1:{http.server_port}"
    server.register_token_generator(
        "default",
        Tokens(
            issuer=base,
            refresh_token_generator=lambda **_: generate_token(48),
            expires_generator=lambda client, grant_type: settings["life"],
        ),
    )
    print("issuer ready: " + base, flush=True)
    http.serve_forever()


if __name__ == "__main__":
    main()
