"""Tests a server through authentik's published Python client, as installed.

    check.py LINES FIXTURE RELEASE SETTING=BASE_URL...

RELEASE is the client's release. SETTING is the release that the server at BASE_URL was started with, or `every_release`
for none. Each server must have FIXTURE loaded. LINES has the keys of each release's answers. The checks run once for
each server, in the order of this file, and share one stage, so each depends on those before it. Prints a TAP line per
check; exits with 1 if any failed.
"""

import json
import sys
import traceback
from contextlib import contextmanager
from copy import deepcopy
from os.path import commonprefix
from uuid import UUID

from authentik_client import ApiClient, Configuration, FlowsApi, RootApi, StagesApi
from authentik_client import exceptions, models

LINES, FIXTURE = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
RELEASE = sys.argv[3]

UNKNOWN = "00000000-0000-4000-8000-000000000000"
NOT_FOUND = {"detail": "No AuthenticatorSMSStage matches the given query.", "code": "not_found"}
FLOW = FIXTURE["flows"][3]["pk"]
MAPPING = FIXTURE["mappings"][0]["pk"]
REQUIRED = {
    "name": "made-by-python",
    "provider": "generic",
    "from_number": "+15005550009",
    "account_sid": "https://sms.example.com/send",
    "auth": "another",
}
BOUNDED = {"_request_timeout": 20.0}


def line(release):
    """The keys and rules of this release's answers: its own row if there is one, else the row of its line."""
    for name in (release, release.rpartition(".")[0]):
        for row in LINES["lines"]:
            if name in row["releases"]:
                return row
    raise KeyError(release)


# What the client's own release can send and expects in answers.
CLIENT = line(RELEASE)

CHECKS = []


def check(run):
    CHECKS.append(run)
    return run


def only_if(condition):
    return check if condition else lambda run: run


class Server:
    """A server, the expected form of its answers, and the one stage that the checks change."""

    def __init__(self, setting, base_url):
        self.base_url = base_url
        self.contract = LINES["every_release"] if setting == "every_release" else line(setting)
        self.hides_secrets = "auth" not in self.contract["stage"]
        self.stages = {stage["pk"]: deepcopy(stage) for stage in FIXTURE["stages"]}
        # The fixture's first stage has flows, the second has none.
        self.pk = FIXTURE["stages"][0]["pk"]
        self.other = self.stages[FIXTURE["stages"][1]["pk"]]
        # Flows can be written if both the client and the server support it.
        self.writes_flows = CLIENT["flow_set_writable"] and self.contract["flow_set_writable"]

    @property
    def stage(self):
        """The expected current state of the stage, which every check that changes it must update."""
        return self.stages[self.pk]

    def api(self, token="good-token", kind=StagesApi):
        return kind(ApiClient(Configuration(host=self.base_url, access_token=token)))

    def list(self, token="good-token", **query):
        return self.api(token).stages_authenticator_sms_list_with_http_info(**query, **BOUNDED)

    def create(self, request, token="good-token"):
        return self.api(token).stages_authenticator_sms_create_with_http_info(request, **BOUNDED)

    def retrieve(self, stage_uuid=None, token="good-token"):
        return self.api(token).stages_authenticator_sms_retrieve_with_http_info(
            stage_uuid or self.pk, **BOUNDED
        )

    def patch(self, *request, stage_uuid=None, token="good-token", **options):
        return self.api(token).stages_authenticator_sms_partial_update_with_http_info(
            stage_uuid or self.pk, *request, **BOUNDED, **options
        )

    def put(self, request):
        return self.api().stages_authenticator_sms_update_with_http_info(self.pk, request, **BOUNDED)

    def destroy(self, stage_uuid, token="good-token"):
        return self.api(token).stages_authenticator_sms_destroy_with_http_info(stage_uuid, **BOUNDED)

    def used_by(self, stage_uuid, token="good-token"):
        return self.api(token).stages_authenticator_sms_used_by_list_with_http_info(stage_uuid, **BOUNDED)

    def etag(self):
        return header(self.retrieve(), "etag")

    def shown(self, stage, to_editor=True):
        """The stage as this server shows it."""
        document = {}
        for key in self.contract["stage"]:
            value = stage[key]
            if key == "flow_set":
                value = [self.shown_flow(flow) for flow in value]
            elif key == "friendly_name" and not value:
                value = self.contract["no_friendly_name"]
            elif key in ("auth", "auth_password") and not to_editor:
                value = ""
            document[key] = value
        return document

    def shown_flow(self, flow):
        urls = dict.fromkeys(("background", "background_url"), flow["background"])
        return {key: {**flow, **urls}[key] for key in self.contract["flow"]}

    def is_stage(self, answer, stage=None, status=200, to_editor=True):
        """Asserts that the answer is the whole expected document: its text, with the order of keys, and its typed form."""
        expected = self.shown(stage or self.stage, to_editor)
        assert answer.status_code == status, answer.status_code
        is_text(answer, expected)
        assert isinstance(answer.data, models.AuthenticatorSMSStage)
        typed = models.AuthenticatorSMSStage.from_dict(expected)
        assert answer.data == typed, f"\n got {answer.data}\nwant {typed}"

    def is_page(self, answer, stages, to_editor=True, **pagination):
        """Asserts that the answer is a page with these stages, in this order."""
        expected = {
            "pagination": {
                "next": 0,
                "previous": 0,
                "count": len(stages),
                "current": 1,
                "total_pages": 1,
                "start_index": 1,
                "end_index": len(stages),
                **pagination,
            },
            "results": [self.shown(stage, to_editor) for stage in stages],
            "autocomplete": {},
        }
        expected = {key: expected[key] for key in self.contract["list"]}
        assert answer.status_code == 200, answer.status_code
        is_text(answer, expected)
        typed = models.PaginatedAuthenticatorSMSStageList.from_dict(expected)
        assert answer.data == typed, answer.data

    def by_name(self):
        return sorted(self.stages.values(), key=lambda stage: stage["name"].encode())

    @contextmanager
    def refused(self, exception, typed, body):
        """Asserts that the call raises exactly this exception, with this typed data and body, and does not change the stage."""
        before = self.retrieve()
        try:
            yield
        except exceptions.ApiException as error:
            assert type(error) is exception, repr(error)
            got = json.loads(error.body)
            assert got == body, f"\n got {got}\nwant {body}"
            assert error.data == (typed.from_dict(body) if typed else None), repr(error.data)
        else:
            raise AssertionError("not refused")
        after = self.retrieve()
        assert after.raw_data == before.raw_data
        assert header(after, "etag") == header(before, "etag")

    def invalid(self, **fields):
        body = {**fields, "code": "invalid"}
        return self.refused(exceptions.BadRequestException, models.ValidationError, body)

    def forbidden(self, detail, code):
        body = {"detail": detail, "code": code}
        return self.refused(exceptions.ForbiddenException, models.GenericError, body)

    def not_found(self, body=NOT_FOUND):
        # The client has no type for a 404, so only the body is compared.
        return self.refused(exceptions.NotFoundException, None, body)


def is_text(answer, expected):
    got, want = json.dumps(json.loads(answer.raw_data)), json.dumps(expected)
    if got != want:
        same = len(commonprefix([got, want]))
        shown = slice(max(same - 60, 0), same + 120)
        raise AssertionError(f"\n got …{got[shown]}…\nwant …{want[shown]}…")


def header(answer, name):
    # The client returns headers in a plain dict, with the letter case that the server sent.
    return {key.lower(): value for key, value in answer.headers.items()}[name]


def patched(**fields):
    return models.PatchedAuthenticatorSMSStageRequest(**fields)


def request(**fields):
    return models.AuthenticatorSMSStageRequest(**fields)


def flow(name, slug, **optional):
    return models.FlowSetRequest(
        name=name, slug=slug, title=name, designation=models.FlowDesignationEnum.ENROLLMENT, **optional
    )


def made(answer):
    """The answer's document, with the keys that the server generated."""
    document = json.loads(answer.raw_data)
    assert str(UUID(document["pk"])) == document["pk"]
    return document


def is_forbidden_to(server, token):
    return server.forbidden("You do not have permission to perform this action.", "permission_denied")


@check
def lists_all_stages(server):
    stages = server.by_name()
    size = server.contract["page_size"]["default"]
    pages = -(-len(stages) // size)
    for number in range(1, pages + 1):
        on_page = stages[(number - 1) * size : number * size]
        server.is_page(
            server.list(page=number) if number > 1 else server.list(),
            on_page,
            count=len(stages),
            total_pages=pages,
            current=number,
            previous=number - 1,
            next=number + 1 if number < pages else 0,
            start_index=(number - 1) * size + 1,
            end_index=(number - 1) * size + len(on_page),
        )


@check
def lists_a_page_in_an_order(server):
    stages = server.by_name()[::-1]
    server.is_page(
        server.list(ordering="-name", page=2, page_size=3),
        stages[3:6],
        count=len(stages),
        total_pages=-(-len(stages) // 3),
        current=2,
        previous=1,
        next=3,
        start_index=4,
        end_index=6,
    )


@check
def filters_a_list(server):
    stages = server.by_name()
    for query, fits in [
        ({"name": server.stage["name"]}, lambda stage: stage["name"] == server.stage["name"]),
        ({"stage_uuid": server.pk}, lambda stage: stage["pk"] == server.pk),
        ({"from_number": "+15005550006"}, lambda stage: stage["from_number"] == "+15005550006"),
        ({"provider": "generic"}, lambda stage: stage["provider"] == "generic"),
        (
            {"auth_type": "bearer", "verify_only": False},
            lambda stage: stage["auth_type"] == "bearer" and not stage["verify_only"],
        ),
        (
            {"configure_flow": server.stage["configure_flow"]},
            lambda stage: stage["configure_flow"] == server.stage["configure_flow"],
        ),
        ({"search": "SMS"}, lambda stage: "sms" in stage["name"].lower()),
    ]:
        found = [stage for stage in stages if fits(stage)]
        assert found, query
        server.is_page(server.list(page_size=100, **query), found)


@check
def finds_nothing(server):
    server.is_page(server.list(name="no such name"), [], start_index=0, end_index=0)


@check
def lists_for_a_token_that_may_only_view(server):
    stages = server.by_name()[:5]
    answer = server.list("viewer-token", page_size=5)
    count = len(server.stages)
    server.is_page(
        answer, stages, to_editor=False, count=count, total_pages=-(-count // 5), next=2, end_index=5
    )


@check
def reads_the_errors_of_a_list(server):
    with server.invalid(mapping=["Select a valid choice. That choice is not one of the available choices."]):
        server.list(mapping=UNKNOWN)
    with server.not_found({"detail": "Invalid page.", "code": "not_found"}):
        server.list(page=1000)
    with is_forbidden_to(server, "nothing-token"):
        server.list("nothing-token")


@check
def looks_up_flows_stages_and_the_configuration(server):
    found = server.api().stages_all_list(name=server.stage["name"], **BOUNDED)
    assert [(str(got.pk), got.name, got.component) for got in found.results] == [
        (server.pk, server.stage["name"], server.stage["component"])
    ]
    assert [flow.slug for flow in found.results[0].flow_set] == [flow["slug"] for flow in server.stage["flow_set"]]

    flow = FIXTURE["flows"][3]
    found = server.api(kind=FlowsApi).flows_instances_list(slug=flow["slug"], **BOUNDED)
    assert [(str(got.pk), got.slug, got.title) for got in found.results] == [
        (flow["pk"], flow["slug"], flow["title"])
    ]
    found = server.api(kind=FlowsApi).flows_instances_list(slug="no-such-flow", **BOUNDED)
    assert (found.results, found.pagination.count) == ([], 0)

    config = server.api(None, RootApi).root_config_retrieve(**BOUNDED)
    assert config.error_reporting.enabled is False


@check
def retrieves_a_stage(server):
    answer = server.retrieve()
    server.is_stage(answer)
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
def retrieves_with_a_token_that_may_only_view(server):
    server.is_stage(server.retrieve(token="viewer-token"), to_editor=False)
    server.is_stage(server.retrieve(server.other["pk"], token="viewer-token"), server.other, to_editor=False)


@check
def shows_what_uses_a_stage(server):
    flows = sorted(server.stage["flow_set"], key=lambda used: used["pk"])
    expected = [
        {
            "app": "authentik_flows",
            "model_name": "flow",
            "pk": used["pk"],
            "name": f"Flow {used['name']} ({used['slug']})",
            "action": "cascade_many",
        }
        for used in flows
    ]
    answer = server.used_by(server.pk)
    is_text(answer, expected)
    assert answer.data == [models.UsedBy.from_dict(used) for used in expected]
    assert server.used_by(server.pk, "viewer-token").data == []
    assert server.used_by(server.other["pk"]).data == []
    with server.not_found():
        server.used_by(UNKNOWN)


@check
def changes_only_the_fields_that_are_sent(server):
    answer = server.patch(patched(name="renamed", verify_only=True, auth_type=models.AuthTypeEnum.BEARER))
    server.stage.update(name="renamed", verify_only=True, auth_type="bearer")
    server.is_stage(answer)
    server.is_stage(server.retrieve())


@check
def changes_a_stage_without_flows(server):
    answer = server.patch(patched(verify_only=True), stage_uuid=server.other["pk"])
    server.other.update(verify_only=True)
    server.is_stage(answer, server.other)
    server.is_stage(server.retrieve(server.other["pk"]), server.other)


@check
def changes_where_messages_go(server):
    fields = {"provider": "generic", "account_sid": "https://sms.example.com/a"}
    secrets = {"auth": "new-auth", "auth_password": "new-password"}
    if server.hides_secrets:
        try:
            server.patch(patched(**fields))
        except exceptions.BadRequestException as error:
            assert set(json.loads(error.body)) == {"auth", "auth_password", "code"}, error.body
        else:
            raise AssertionError("not refused")
        server.is_stage(server.retrieve())
    answer = server.patch(patched(**fields, **secrets))
    server.stage.update(**fields, **secrets)
    server.is_stage(answer)
    server.is_stage(server.retrieve())


@check
def sets_references(server):
    answer = server.patch(patched(configure_flow=FLOW, mapping=MAPPING))
    server.stage.update(configure_flow=FLOW, mapping=MAPPING)
    server.is_stage(answer)
    server.is_stage(server.retrieve())


@check
def sends_nulls(server):
    nulls = {"configure_flow": None, "mapping": None}
    answer = server.patch(patched(**nulls))
    server.stage.update(nulls)
    server.is_stage(answer)
    server.is_stage(server.retrieve())


@check
def removes_a_display_name(server):
    server.is_stage(server.patch(patched(friendly_name="Mobile")), {**server.stage, "friendly_name": "Mobile"})
    # Each client has one way to remove it. A server without a release accepts both.
    answer = server.patch(patched(friendly_name=CLIENT["no_friendly_name"]))
    server.stage.update(friendly_name=None)
    server.is_stage(answer)
    server.is_stage(server.retrieve())


@check
def changes_nothing_without_a_request(server):
    before = server.etag()
    answer = server.patch()
    server.is_stage(answer)
    assert header(answer, "etag") == before


@check
def changes_nothing_with_an_empty_request(server):
    before = server.etag()
    answer = server.patch(patched())
    server.is_stage(answer)
    assert header(answer, "etag") == before


@only_if(CLIENT["flow_set_writable"])
def replaces_the_flows(server):
    kept = server.stage["flow_set"][1]
    answer = server.patch(
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
    new = json.loads(answer.raw_data)["flow_set"][0]
    for key in ("pk", "policybindingmodel_ptr_id"):
        assert str(UUID(new[key])) == new[key]
    server.stage["flow_set"] = [
        {
            "pk": new["pk"],
            "policybindingmodel_ptr_id": new["policybindingmodel_ptr_id"],
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
    server.is_stage(answer)
    server.is_stage(server.retrieve())


@check
def sends_the_whole_stage_back(server):
    fields = {**server.retrieve().data.to_dict(), "auth": server.stage["auth"]}
    server.is_stage(server.put(models.AuthenticatorSMSStageRequest.from_dict(fields)))
    server.is_stage(server.retrieve())


@only_if(CLIENT["flow_set_writable"])
def removes_all_flows(server):
    answer = server.patch(patched(flow_set=[]))
    server.stage["flow_set"] = []
    server.is_stage(answer)


@check
def updates_in_full(server):
    fields = {**REQUIRED, "name": "sms-setup"}
    secrets = {"auth_password": "kept"} if server.hides_secrets else {}
    answer = server.put(request(**fields, **secrets))
    server.stage.update(fields, **secrets)  # optional fields that are absent are unchanged
    server.is_stage(answer)

    fields.update(
        configure_flow=FLOW,
        friendly_name="Mobile",
        auth_password="",
        auth_type="bearer",
        verify_only=False,
        mapping=MAPPING,
    )
    answer = server.put(request(**fields))
    server.stage.update(fields)
    server.is_stage(answer)
    server.is_stage(server.retrieve())


@check
def writes_only_if_the_etag_still_matches(server):
    stale = server.etag()
    answer = server.patch(patched(friendly_name="First"), _headers={"If-Match": stale})
    server.stage["friendly_name"] = "First"
    server.is_stage(answer)
    assert header(answer, "etag") != stale
    try:
        server.patch(patched(friendly_name="Second"), _headers={"If-Match": stale})
    except exceptions.ApiException as error:
        assert error.status == 412, error.status
        assert json.loads(error.body)["code"] == "precondition_failed"
    else:
        raise AssertionError("not refused")
    server.is_stage(server.retrieve())


@check
def creates_a_stage_from_the_required_fields(server):
    answer = server.create(request(**REQUIRED))
    stage = {
        **server.other,
        **REQUIRED,
        "pk": made(answer)["pk"],
        "flow_set": [],
        "configure_flow": None,
        "friendly_name": None,
        "auth_password": "",
        "auth_type": "basic",
        "verify_only": False,
        "mapping": None,
    }
    server.stages[stage["pk"]] = stage
    server.is_stage(answer, stage, status=201)
    server.is_stage(server.retrieve(stage["pk"]), stage)
    server.is_page(server.list(name=stage["name"]), [stage])


@check
def creates_a_stage_from_all_fields(server):
    fields = {
        **REQUIRED,
        "name": "made-in-full",
        "configure_flow": FLOW,
        "friendly_name": "Mobile",
        "auth_password": "secret",
        "auth_type": "bearer",
        "verify_only": True,
        "mapping": MAPPING,
    }
    flows = {"flow_set": [flow("New", "brand-new")]} if CLIENT["flow_set_writable"] else {}
    answer = server.create(request(**fields, **flows))
    got = made(answer)
    stage = {**server.other, **fields, "pk": got["pk"], "flow_set": []}
    if flows:
        stage["flow_set"] = [
            {
                "pk": got["flow_set"][0]["pk"],
                "policybindingmodel_ptr_id": got["flow_set"][0]["policybindingmodel_ptr_id"],
                "name": "New",
                "slug": "brand-new",
                "title": "New",
                "designation": "enrollment",
                "background": "/static/dist/assets/images/flow_background.jpg",
                "policy_engine_mode": "any",
                "compatibility_mode": False,
                "export_url": "/api/v3/flows/instances/brand-new/export/",
                "layout": "stacked",
                "denied_action": "message_continue",
            }
        ]
    server.stages[stage["pk"]] = stage
    server.is_stage(answer, stage, status=201)
    server.is_stage(server.retrieve(stage["pk"]), stage)


@check
def reads_the_errors_of_a_create(server):
    with server.invalid(name=["stage with this name already exists."]):
        server.create(request(**{**REQUIRED, "name": server.other["name"]}))
    with server.invalid(
        configure_flow=[f'Invalid pk "{UNKNOWN}" - object does not exist.'],
        from_number=["This field may not be blank."],
    ):
        # The client itself refuses an empty text, but not a space.
        server.create(request(**{**REQUIRED, "name": "bad", "from_number": " ", "configure_flow": UNKNOWN}))
    with is_forbidden_to(server, "viewer-token"):
        server.create(request(**{**REQUIRED, "name": "bad"}), "viewer-token")
    server.is_page(server.list(name="bad"), [], start_index=0, end_index=0)


@check
def destroys_a_stage(server):
    pk = next(pk for pk, stage in server.stages.items() if stage["name"] == "made-in-full")
    with is_forbidden_to(server, "viewer-token"):
        server.destroy(pk, "viewer-token")
    answer = server.destroy(pk)
    assert answer.status_code == 204, answer.status_code
    assert not answer.raw_data and answer.data is None
    stage = server.stages.pop(pk)
    for call in (server.retrieve, server.destroy, server.used_by):
        with server.not_found():
            call(pk)
    server.is_page(server.list(name=stage["name"]), [], start_index=0, end_index=0)
    # The name is free at once.
    again = made(server.create(request(**{**REQUIRED, "name": stage["name"]})))
    assert again["pk"] != pk
    server.destroy(again["pk"])


@check
def reads_a_400_about_several_fields(server):
    with server.invalid(
        name=["stage with this name already exists."],
        configure_flow=[f'Invalid pk "{UNKNOWN}" - object does not exist.'],
        auth=["This field may not be blank."],
        mapping=[f'Invalid pk "{FLOW}" - object does not exist.'],
    ):
        server.patch(patched(name=server.other["name"], configure_flow=UNKNOWN, auth=" ", mapping=FLOW))


@only_if(CLIENT["flow_set_writable"])
def reads_a_400_about_one_flow_of_several(server):
    with server.invalid(flow_set=[{}, {"slug": ["Flow with this slug already exists."]}, {}]):
        server.patch(patched(flow_set=[flow("A", "same"), flow("B", "same"), flow("C", "other")]))


@check
def reads_a_400_about_a_full_update(server):
    with server.invalid(name=["stage with this name already exists."]):
        server.put(request(**{**REQUIRED, "name": server.other["name"]}))


@check
def reads_a_403_for_each_reason(server):
    for token, detail, code in [
        (None, "Authentication credentials were not provided.", "not_authenticated"),
        ("nobody's", "Token invalid/expired", "authentication_failed"),
        ("expired-token", "Token invalid/expired", "authentication_failed"),
        ("viewer-token", "You do not have permission to perform this action.", "permission_denied"),
    ]:
        with server.forbidden(detail, code):
            server.patch(patched(name="refused"), token=token)


@check
def reads_a_404(server):
    with server.not_found():
        server.patch(patched(name="nowhere"), stage_uuid=UNKNOWN)
    with server.not_found():
        server.retrieve(UNKNOWN)


failed = 0
for served in sys.argv[4:]:
    setting, _, url = served.partition("=")
    server = Server(setting, url)
    for run in CHECKS:
        sentence = f"{setting}: {run.__name__.replace('_', ' ')}"
        try:
            run(server)
            print(f"ok - {sentence}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok - {sentence}", flush=True)
            traceback.print_exc()
sys.exit(failed > 0)
