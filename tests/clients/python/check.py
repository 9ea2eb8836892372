"""Uses a served stage through authentik's published Python client, as installed.

    check.py BASE_URL FIXTURE

The server must hold FIXTURE. Checks run in the order they stand in and share one stage: each knows what the
ones before it left. Prints a TAP line per check; exits 1 if any failed.
"""

import json
import sys
import traceback
from contextlib import contextmanager
from uuid import UUID

from authentik_client import ApiClient, Configuration, StagesApi
from authentik_client import exceptions, models

BASE_URL, FIXTURE = sys.argv[1:]
DATA = json.load(open(FIXTURE))

# The stage as it should now stand; every check that changes it says so here too.
STAGE = json.loads(json.dumps(DATA["stages"][0]))
OTHER = DATA["stages"][1]
UNKNOWN = "00000000-0000-4000-8000-000000000000"
FLOW = DATA["flows"][3]["pk"]
MAPPING = DATA["mappings"][0]["pk"]
BOUNDED = {"_request_timeout": 20.0}

# Up to 2025.8 a stage's display name may be null. 2025.10 no longer says so, and its client leaves the key out.
FRIENDLY_NAME_NULLABLE = (
    "friendly_name" in models.PatchedAuthenticatorSMSStageRequest(friendly_name=None).to_dict()
)

CHECKS = []


def check(run):
    CHECKS.append(run)
    return run


def api(token="good-token"):
    return StagesApi(ApiClient(Configuration(host=BASE_URL, access_token=token)))


def retrieve(stage_uuid=STAGE["pk"], token="good-token"):
    return api(token).stages_authenticator_sms_retrieve_with_http_info(stage_uuid, **BOUNDED)


def patch(*request, stage_uuid=STAGE["pk"], token="good-token", **options):
    return api(token).stages_authenticator_sms_partial_update_with_http_info(
        stage_uuid, *request, **BOUNDED, **options
    )


def patched(**fields):
    return models.PatchedAuthenticatorSMSStageRequest(**fields)


def put(request):
    return api().stages_authenticator_sms_update_with_http_info(STAGE["pk"], request, **BOUNDED)


def flow(name, slug, **optional):
    return models.FlowSetRequest(
        name=name, slug=slug, title=name, designation=models.FlowDesignationEnum.ENROLLMENT, **optional
    )


def header(answer, name):
    # The client hands headers over in a plain dict, and how a server spells their names is its own affair.
    return {key.lower(): value for key, value in answer.headers.items()}[name]


def etag():
    return header(retrieve(), "etag")


def is_stage(answer, expected=None):
    """The answer is the whole expected document: its text, key order included, and its typed form."""
    expected = STAGE if expected is None else expected
    assert answer.status_code == 200, answer.status_code
    got = json.loads(answer.raw_data)
    assert json.dumps(got) == json.dumps(expected), f"\n got {got}\nwant {expected}"
    typed = models.AuthenticatorSMSStage.from_dict(expected)
    assert isinstance(answer.data, models.AuthenticatorSMSStage)
    assert answer.data == typed, f"\n got {answer.data}\nwant {typed}"


@contextmanager
def refused(exception, typed, body):
    """The call raises exactly this exception, with this typed data and this body; the stage stays as it was."""
    before = retrieve()
    try:
        yield
    except exceptions.ApiException as error:
        assert type(error) is exception, repr(error)
        got = json.loads(error.body)
        assert got == body, f"\n got {got}\nwant {body}"
        assert error.data == (typed.from_dict(body) if typed else None), repr(error.data)
    else:
        raise AssertionError("not refused")
    after = retrieve()
    assert after.raw_data == before.raw_data
    assert header(after, "etag") == header(before, "etag")


@check
def retrieves_a_stage():
    answer = retrieve()
    is_stage(answer)
    assert header(answer, "etag").startswith('"')
    assert header(answer, "cache-control") == "no-store"
    assert answer.data.provider is models.ProviderEnum.TWILIO
    assert answer.data.auth_type is models.AuthTypeEnum.BASIC
    first, second = answer.data.flow_set
    assert first.designation is models.FlowDesignationEnum.STAGE_CONFIGURATION
    assert first.policy_engine_mode is models.PolicyEngineMode.ANY
    assert second.layout is models.FlowLayoutEnum.SIDEBAR_RIGHT
    assert second.denied_action is models.DeniedActionEnum.MESSAGE
    assert second.compatibility_mode is True
    assert answer.data.mapping is None


@check
def retrieves_with_a_token_that_may_only_look():
    is_stage(retrieve(token="viewer-token"))
    is_stage(retrieve(OTHER["pk"], token="viewer-token"), OTHER)


@check
def changes_only_the_fields_that_are_named():
    answer = patch(patched(name="renamed", verify_only=True, provider=models.ProviderEnum.GENERIC))
    STAGE.update(name="renamed", verify_only=True, provider="generic")
    is_stage(answer)
    is_stage(retrieve())


@check
def sets_references():
    answer = patch(patched(configure_flow=FLOW, mapping=MAPPING))
    STAGE.update(configure_flow=FLOW, mapping=MAPPING)
    is_stage(answer)
    is_stage(retrieve())


@check
def sends_nulls():
    nulls = {"configure_flow": None, "mapping": None}
    if FRIENDLY_NAME_NULLABLE:
        nulls["friendly_name"] = None
    answer = patch(patched(**nulls))
    STAGE.update(nulls)
    is_stage(answer)
    is_stage(retrieve())


@check
def leaves_everything_alone_without_a_request():
    before = etag()
    answer = patch()
    is_stage(answer)
    assert header(answer, "etag") == before


@check
def leaves_everything_alone_with_an_empty_request():
    before = etag()
    answer = patch(patched())
    is_stage(answer)
    assert header(answer, "etag") == before


@check
def replaces_the_flows():
    kept = STAGE["flow_set"][1]
    answer = patch(
        patched(
            flow_set=[
                flow(
                    "New",
                    "brand-new",
                    policy_engine_mode=models.PolicyEngineMode.ALL,
                    layout=models.FlowLayoutEnum.CONTENT_LEFT,
                    denied_action=models.DeniedActionEnum.CONTINUE,
                ),
                flow("Kept", kept["slug"]),
            ]
        )
    )
    made = json.loads(answer.raw_data)["flow_set"][0]
    for key in ("pk", "policybindingmodel_ptr_id"):
        assert str(UUID(made[key])) == made[key]
    STAGE["flow_set"] = [
        {
            "pk": made["pk"],
            "policybindingmodel_ptr_id": made["policybindingmodel_ptr_id"],
            "name": "New",
            "slug": "brand-new",
            "title": "New",
            "designation": "enrollment",
            "background": "/static/dist/assets/images/flow_background.jpg",
            "policy_engine_mode": "all",
            "compatibility_mode": False,
            "export_url": "/api/v3/flows/instances/brand-new/export/",
            "layout": "content_left",
            "denied_action": "continue",
        },
        {**kept, "name": "Kept", "title": "Kept", "designation": "enrollment"},
    ]
    is_stage(answer)
    is_stage(retrieve())


@check
def sends_the_whole_stage_back():
    request = models.AuthenticatorSMSStageRequest.from_dict(retrieve().data.to_dict())
    is_stage(put(request))
    is_stage(retrieve())


@check
def empties_the_flows():
    answer = patch(patched(flow_set=[]))
    STAGE["flow_set"] = []
    is_stage(answer)


@check
def updates_in_full():
    fields = {
        "name": "sms-setup",
        "provider": "generic",
        "from_number": "+15005550009",
        "account_sid": "https://sms.example.com/send",
        "auth": "another",
    }
    answer = put(models.AuthenticatorSMSStageRequest(**fields))
    STAGE.update(fields)  # what is optional and absent stays
    is_stage(answer)

    fields.update(
        configure_flow=FLOW,
        friendly_name="Mobile",
        auth_password="",
        auth_type="bearer",
        verify_only=False,
        mapping=MAPPING,
    )
    answer = put(models.AuthenticatorSMSStageRequest(flow_set=[], **fields))
    STAGE.update(fields)
    is_stage(answer)
    is_stage(retrieve())


@check
def writes_only_if_the_etag_still_matches():
    stale = etag()
    answer = patch(patched(friendly_name="First"), _headers={"If-Match": stale})
    STAGE["friendly_name"] = "First"
    is_stage(answer)
    assert header(answer, "etag") != stale
    try:
        patch(patched(friendly_name="Second"), _headers={"If-Match": stale})
    except exceptions.ApiException as error:
        assert error.status == 412, error.status
        assert json.loads(error.body)["code"] == "precondition_failed"
    else:
        raise AssertionError("not refused")
    is_stage(retrieve())


@check
def reads_a_400_about_several_fields():
    body = {
        "name": ["stage with this name already exists."],
        "configure_flow": [f'Invalid pk "{UNKNOWN}" - object does not exist.'],
        "auth": ["This field may not be blank."],
        "mapping": [f'Invalid pk "{FLOW}" - object does not exist.'],
        "code": "invalid",
    }
    with refused(exceptions.BadRequestException, models.ValidationError, body):
        # A space passes the client's own check that the text is not empty.
        patch(patched(name=OTHER["name"], configure_flow=UNKNOWN, auth=" ", mapping=FLOW))


@check
def reads_a_400_about_one_flow_of_several():
    body = {
        "flow_set": [{}, {"slug": ["Flow with this slug already exists."]}, {}],
        "code": "invalid",
    }
    with refused(exceptions.BadRequestException, models.ValidationError, body):
        patch(patched(flow_set=[flow("A", "same"), flow("B", "same"), flow("C", "other")]))


@check
def reads_a_400_about_a_full_update():
    body = {"name": ["stage with this name already exists."], "code": "invalid"}
    with refused(exceptions.BadRequestException, models.ValidationError, body):
        put(
            models.AuthenticatorSMSStageRequest(
                name=OTHER["name"], provider="twilio", from_number="1", account_sid="1", auth="1"
            )
        )


@check
def reads_a_403_for_each_reason():
    for token, detail, code in [
        (None, "Authentication credentials were not provided.", "not_authenticated"),
        ("nobody's", "Token invalid/expired", "authentication_failed"),
        ("expired-token", "Token invalid/expired", "authentication_failed"),
        ("viewer-token", "You do not have permission to perform this action.", "permission_denied"),
    ]:
        with refused(exceptions.ForbiddenException, models.GenericError, {"detail": detail, "code": code}):
            patch(patched(name="refused"), token=token)


@check
def reads_a_404():
    # The client has no type for a 404, so only the body tells.
    body = {"detail": "No AuthenticatorSMSStage matches the given query.", "code": "not_found"}
    with refused(exceptions.NotFoundException, None, body):
        patch(patched(name="nowhere"), stage_uuid=UNKNOWN)
    with refused(exceptions.NotFoundException, None, body):
        retrieve(UNKNOWN)


failed = 0
for run in CHECKS:
    sentence = run.__name__.replace("_", " ")
    try:
        run()
        print(f"ok - {sentence}", flush=True)
    except Exception:
        failed += 1
        print(f"not ok - {sentence}", flush=True)
        traceback.print_exc()
sys.exit(failed > 0)
