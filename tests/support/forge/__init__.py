"""A Forgejo for tests: real git over http and ssh, the subset of its API, and signed webhooks.

    with ForgeServer(tmp_path / "forge", has_ssh=True) as forge:
        forge.base_url                    # [forge] url
        forge.org.name                    # [forge] org: "ops"
        forge.admin_token                 # for the token file; also write_token and read_token
        forge.add_token("admin", scopes={"read:repository"}, sees={"billing-a"})

        forge.create("billing-a")         # past the API; also rename, delete, recreate, archive
        forge.commit("billing-a", files)  # as a push would: updated_at, webhooks
        forge.writer("billing-a")         # a RepoWriter, past every rule; then forge.touch(name)
        forge.clone_url("billing-a"), forge.ssh_url("billing-a"), forge.path("billing-a")
        forge.ssh.known_hosts_file        # of its sshd; deploy keys come over the API

        forge.misbehave("503", where="GET /api/v1/orgs", times=1, spare=2)  # the third one fails
        forge.headers["Retry-After"] = "7"                    # goes with status codes
        forge.before = lambda request: ...                    # steps in between two requests
        forge.count("GET /api/v1/"), forge.api_counts()

        forge.webhooks.fate = "drop"      # deliver, drop, duplicate, hold (then release())
        forge.webhooks.wait(1)[0].status

Faults: all of `http_faults.FAULTS`, any status code, and `faults.FORGE_FAULTS`.

Where it is like a real Forgejo and one would not guess it: pages are 30 long unless asked for and
50 at most; only lists of repos have `Link`; repos that the token's user may not see are counted
and left out; the old name of a repo is a 307 to the new one (not over ssh); `updated_at` is in
whole seconds and also moves with settings; changing a hook never changes its secret and resets
events and branch filter that are left out; deploy keys' titles are unique in a repo; without a
protection, forced pushes and deletions of other branches are taken. `signers="users"` is how a real
one understands `require_signed_commits`: the signature of a user of the forge whose e-mail address
is the committer's; with `anybody`, the default, any signature will do.
"""

from tests.support.forge.records import ApiError, Repo, Right, Token
from tests.support.forge.server import ForgeServer
from tests.support.forge.webhooks import Delivery

__all__ = ["ApiError", "Delivery", "ForgeServer", "Repo", "Right", "Token"]
