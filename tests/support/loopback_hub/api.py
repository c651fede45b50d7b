"""What the Hub does at each address, and how it refuses."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.loopback_hub import xet
from tests.support.loopback_hub.answers import Answer, Refusal
from tests.support.loopback_hub.store import Commit, File, Repo, git_hash, is_large

if TYPE_CHECKING:
    from tests.support.loopback_hub.server import Call


LICENSES = {"apache-2.0", "mit", "cc-by-3.0", "cc-by-4.0", "cc0-1.0", "unlicense", "gemma", "other"}


def _json(content: Any) -> Answer:
    return Answer(content=json.dumps(content).encode())


def unknown(call: Call, name: str) -> Answer:
    """Of a name without an owner; the Hub has a few such repositories, this one none."""
    raise Refusal(401 if call.user is None else 404, "RepoNotFound", "Repository not found")


def _owner(name: str) -> str:
    return name.split("/")[0]


def _find(call: Call, kind: str, name: str, files: bool = False) -> Repo:
    """The repository, if the user may see it (and its `files`); else refused as the Hub does."""
    repo = call.hub.repos.get((kind, name))
    if repo is None or (repo.private and call.user != _owner(name)):
        raise Refusal(401 if call.user is None else 404, "RepoNotFound", "Repository not found")
    if files and repo.gated and call.user != _owner(name):
        raise Refusal(401 if call.user is None else 403, "GatedRepo", f"Access to {name} is restricted")
    return repo


def _commit(repo: Repo, revision: str) -> str:
    sha = repo.resolve(revision)
    if sha is None:
        raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    return sha


def _may_write(call: Call, name: str) -> None:
    if call.user is None:
        raise Refusal(401, None, "Invalid username or password.")
    if call.user != _owner(name):
        raise Refusal(403, None, "You don't have the rights to write here")


def create(call: Call) -> Answer:
    asked = call.json()
    name = f"{asked['organization'] or call.user}/{asked['name']}"
    _may_write(call, name)
    key = (asked.get("type") or "model", name)
    answer = {"url": f"{call.hub.endpoint}/{'' if key[0] == 'model' else key[0] + 's/'}{name}", "name": name}
    if key in call.hub.repos:
        raise Refusal(409, None, "You already created this repo", content=answer)
    private = asked.get("private", False) or asked.get("visibility") == "private"
    call.hub.repos[key] = Repo(key[0], name, private=private)
    return _json(answer)


def validate_yaml(call: Call) -> Answer:
    """The Hub knows many rules of a card's metadata; this one only that licences are of its list or "other"."""
    parts = call.json()["content"].split("---\n")
    stated = (yaml.safe_load(parts[1]) or {}).get("license", []) if len(parts) > 2 else []
    wrong = [name for name in ([stated] if isinstance(stated, str) else stated) if name not in LICENSES]
    errors = [{"message": f'"license" must be one of the list, not {name}'} for name in wrong]
    return Answer(400 if wrong else 200, json.dumps({"errors": errors, "warnings": []}).encode())


def who(call: Call) -> Answer:
    if call.user is None:
        raise Refusal(401, None, "Invalid username or password.")
    return _json({"type": "user", "name": call.user, "orgs": [], "auth": {"type": "access_token"}})


def info(call: Call, kind: str, name: str, revision: str = "main") -> Answer:
    repo = _find(call, kind, name)
    sha = _commit(repo, revision)
    siblings = [{"rfilename": path} for path in sorted(repo.commits[sha].files)]
    about: dict[str, Any] = {"private": repo.private, "gated": "auto" if repo.gated else False, "tags": []}
    return _json({"id": name, "modelId": name, "author": _owner(name), "sha": sha, "siblings": siblings, **about})


def tree(call: Call, kind: str, name: str, revision: str, folder: str = "") -> Answer:
    repo = _find(call, kind, name)
    entries = repo.commits[_commit(repo, revision)].entries(call.hub.xet.names)
    found = [entry for entry in entries if not folder or entry["path"].startswith(f"{folder}/")]
    if folder and not found:
        raise Refusal(404, "EntryNotFound", f"{folder} does not exist")
    if call.query.get("recursive", ["false"])[0].lower() != "true":
        found = [entry for entry in found if PurePosixPath(entry["path"]).parent == PurePosixPath(folder)]
    return _json(found)


def paths_info(call: Call, kind: str, name: str, revision: str) -> Answer:
    repo = _find(call, kind, name)
    entries = repo.commits[_commit(repo, revision)].entries(call.hub.xet.names)
    return _json([entry for entry in entries if entry["path"] in call.json()["paths"]])


def refs(call: Call, kind: str, name: str) -> Answer:
    repo = _find(call, kind, name)
    branches = [{"name": ref, "ref": f"refs/heads/{ref}", "targetCommit": sha} for ref, sha in repo.refs.items()]
    return _json({"branches": branches, "tags": [], "converts": []})


def add_ref(call: Call, kind: str, name: str, ref: str) -> Answer:
    """Makes a branch or a tag."""
    _may_write(call, name)
    repo = _find(call, kind, name)
    if ref in repo.refs:
        raise Refusal(409, None, "Reference already exists")
    repo.refs[ref] = _commit(repo, call.json().get("startingPoint") or "main")
    return _json({})


def add_tag(call: Call, kind: str, name: str, revision: str) -> Answer:
    _may_write(call, name)
    repo = _find(call, kind, name)
    repo.refs[call.json()["tag"]] = _commit(repo, revision)
    return _json({})


def preupload(call: Call, kind: str, name: str, revision: str) -> Answer:
    repo = _find(call, kind, name)
    there = repo.commits[_commit(repo, revision)].files
    files = [
        {
            "path": file["path"],
            "uploadMode": "lfs" if is_large(file["path"], file["size"]) else "regular",
            "shouldIgnore": False,
            "oid": (there[file["path"]].etag if there[file["path"]].large else there[file["path"]].oid)
            if file["path"] in there
            else None,
        }
        for file in call.json()["files"]
    ]
    return _json({"files": files})


def lfs_batch(call: Call, kind: str, name: str) -> Answer:
    _find(call, kind, name)
    objects = []
    for wanted in call.json()["objects"]:
        entry = {"oid": wanted["oid"], "size": wanted["size"]}
        if wanted["oid"] not in call.hub.blobs:
            entry["actions"] = {"upload": _upload_action(call, wanted["oid"], wanted["size"])}
        objects.append(entry)
    return _json({"transfer": "basic", "objects": objects})


def _upload_action(call: Call, oid: str, size: int) -> dict[str, Any]:
    """Where to send a large file, in parts if the Hub wants it so."""
    href = f"{call.hub.endpoint}/upload/{oid}"
    if call.hub.part_size is None:
        return {"href": href}
    count = -(-size // call.hub.part_size)
    parts = {str(number): f"{href}/{number}" for number in range(1, count + 1)}
    return {"href": f"{href}/complete", "header": {"chunk_size": str(call.hub.part_size), **parts}}


def upload_part(call: Call, oid: str, number: str) -> Answer:
    call.hub.parts[oid, int(number)] = call.body
    return Answer(headers={"ETag": git_hash(call.body)})


def complete_upload(call: Call, oid: str) -> Answer:
    """Puts the parts together, which must be those that the client names."""
    parts = [call.hub.parts[oid, part["partNumber"]] for part in call.json()["parts"]]
    if [git_hash(part) for part in parts] != [part["etag"] for part in call.json()["parts"]]:
        raise Refusal(400, None, "A part has another hash")
    return _store(call, oid, b"".join(parts))


def xet_token(call: Call, kind: str, name: str, scope: str, revision: str) -> Answer:
    """For files in content-addressed storage; where the Hub has none, there is no such route."""
    if not call.hub.has_xet:
        raise Refusal(404)
    if scope == "write" and call.query.get("create_pr") != ["1"]:
        _may_write(call, name)
    _find(call, kind, name, files=True)
    return xet.token(call)


def upload(call: Call, oid: str) -> Answer:
    return _store(call, oid, call.body)


def _store(call: Call, oid: str, content: bytes) -> Answer:
    if hashlib.sha256(content).hexdigest() != oid:
        raise Refusal(400, None, "The content has another hash")
    call.hub.blobs[oid] = content
    return Answer()


def commit(call: Call, kind: str, name: str, revision: str) -> Answer:
    is_proposal = call.query.get("create_pr") == ["1"]
    if is_proposal and call.user is None:
        raise Refusal(401, None, "Invalid username or password.")
    if not is_proposal:
        _may_write(call, name)
    repo = _find(call, kind, name)
    base = repo.commits[_commit(repo, revision)]
    header, *operations = [json.loads(line) for line in call.body.splitlines()]
    if header["value"].get("parentCommit") not in (None, base.sha):
        raise Refusal(412, None, "A commit has happened since. Please refresh and try again.")
    files = dict(base.files)
    for operation in operations:
        _apply(call, files, operation["key"], operation["value"])
    number = 1 + sum(ref.startswith("refs/pr/") for ref in repo.refs)
    ref = f"refs/pr/{number}" if is_proposal else revision
    made = Commit(files, header["value"]["summary"], header["value"].get("description", ""), base.sha)
    sha = repo.add(made, ref)
    url = f"{call.hub.endpoint}/{'datasets/' if kind == 'dataset' else ''}{name}"
    pull = f"{url}/discussions/{number}" if is_proposal else None
    return _json({"success": True, "commitOid": sha, "commitUrl": f"{url}/commit/{sha}", "pullRequestUrl": pull})


def _apply(call: Call, files: dict[str, File], key: str, value: dict[str, Any]) -> None:
    path = value["path"]
    if key == "file":
        files[path] = File(base64.b64decode(value["content"]), large=False)
    elif key == "lfsFile":
        if value["oid"] not in call.hub.blobs:
            raise Refusal(400, None, f"{path}: the large file was never uploaded")
        files[path] = File(call.hub.blobs[value["oid"]], large=True)
    elif key == "deletedFile":
        if path not in files:
            raise Refusal(404, "EntryNotFound", "A file with this name doesn't exist")
        del files[path]


def resolve(call: Call, kind: str, name: str, revision: str, path: str) -> Answer:
    repo = _find(call, kind, name, files=True)
    sha = _commit(repo, revision)
    headers = {"X-Repo-Commit": sha}
    file = repo.commits[sha].files.get(path)
    if file is None:
        raise Refusal(404, "EntryNotFound", "Entry not found", headers)
    headers |= {"ETag": f'"{file.etag}"', "Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
    if file.large:
        headers |= {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(len(file.content))}
    if file.etag in call.hub.xet.names:
        route = f"{call.hub.endpoint}/api/{kind}s/{name}/xet-read-token/{sha}"
        headers |= {"X-Xet-Hash": call.hub.xet.names[file.etag], "X-Xet-Refresh-Route": route}
    return Answer(content=file.content, headers=headers)


_API = r"/api/(?P<kind>model|dataset|space)s/(?P<name>[^/]+/[^/]+)"
_NAME = r"(?P<name>[^/]+/[^/]+?)"


def _in_both_kinds(pattern: str, route: Callable[..., Answer]) -> list[tuple[str, Callable[..., Answer]]]:
    """The same route for models, at the top, and for data sets and Spaces, under their prefixes."""
    return [
        (f"/spaces/{pattern}", lambda call, **found: route(call, kind="space", **found)),
        (f"/datasets/{pattern}", lambda call, **found: route(call, kind="dataset", **found)),
        (f"/{pattern}", lambda call, **found: route(call, kind="model", **found)),
    ]


ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("POST", "/api/repos/create", create),
    ("POST", "/api/validate-yaml", validate_yaml),
    ("GET", "/api/whoami-v2", who),
    ("GET", _API, info),
    ("GET", "/api/models/(?P<name>[^/]+)", unknown),
    ("GET", _API + "/revision/(?P<revision>[^/]+)", info),
    ("GET", _API + "/tree/(?P<revision>[^/]+)(?:/(?P<folder>.+))?", tree),
    ("POST", _API + "/paths-info/(?P<revision>[^/]+)", paths_info),
    ("GET", _API + "/refs", refs),
    ("POST", _API + "/branch/(?P<ref>[^/]+)", add_ref),
    ("POST", _API + "/tag/(?P<revision>[^/]+)", add_tag),
    ("POST", _API + "/preupload/(?P<revision>[^/]+)", preupload),
    ("POST", _API + "/commit/(?P<revision>[^/]+)", commit),
    ("GET", _API + "/xet-(?P<scope>read|write)-token/(?P<revision>[^/]+)", xet_token),
    ("POST", "/xet/v1/xorbs/default/(?P<xorb>[0-9a-f]{64})", xet.put_xorb),
    ("POST", "/xet/v1/shards", xet.put_shard),
    ("GET", "/xet/v1/reconstructions/(?P<file>[0-9a-f]{64})", xet.reconstruction),
    ("GET", "/xet/xorbs/(?P<xorb>[0-9a-f]{64})", xet.get_xorb),
    ("PUT", "/upload/(?P<oid>[0-9a-f]{64})", upload),
    ("PUT", "/upload/(?P<oid>[0-9a-f]{64})/(?P<number>[0-9]+)", upload_part),
    ("POST", "/upload/(?P<oid>[0-9a-f]{64})/complete", complete_upload),
    *(("POST", *way) for way in _in_both_kinds(_NAME + r"\.git/info/lfs/objects/batch", lfs_batch)),
    *(("GET|HEAD", *way) for way in _in_both_kinds(_NAME + "/resolve/(?P<revision>[^/]+)/(?P<path>.+)", resolve)),
]
