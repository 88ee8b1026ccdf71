"""A Forgejo or a Gitea for tests: git over http and ssh, the subset of its API, signed webhooks.

    with ForgeServer(tmp_path / "forge", has_ssh=True, flavour="gitea") as forge:
        forge.base_url                    # [forge] url
        forge.org.name                    # [forge] org: "ops"
        forge.admin_token                 # for the token file; also write_token and read_token
        forge.add_token("admin", scopes={"read:repository"}, sees={"billing-a"})

        forge.create("billing-a")         # past the API; also rename, delete, recreate, archive
        forge.change("billing-a", has_pull_requests=False, has_code=False)
        forge.commit("billing-a", files)  # as a push would: updated_at, webhooks
        forge.merge("billing-a", "olga", files)  # of a pull request, past the push whitelist
        forge.writer("billing-a")         # a RepoWriter, past every rule; then forge.touch(name)
        forge.clone_url("billing-a"), forge.ssh_url("billing-a"), forge.path("billing-a")
        forge.ssh.known_hosts_file        # of its sshd; deploy keys come over the API

        forge.repo("billing-a").collaborators["olga"] = "admin"   # read, write or admin
        forge.org.members_create = True   # who writes makes repos, and is their collaborator
        forge.org.teams.append(Team(7, "ci", "write", repos={"billing-a"}))
        forge.repo("billing-a").hooks     # of one repo; made over the API, as forge.org.hooks

        forge.renumber("billing-a", 7)    # a migration
        forge.org.next_number = 7         # a restored database gives numbers again
        forge.set_back("billing-a", commit)  # restored from an older backup, without a word
        forge.lose_events = True          # killed after the push: refs, but no event

        forge.two_factor_enforced = True  # and add_token("admin", has_second_factor=False)
        forge.org.inactive_users.add("olga")
        forge.http_git = False            # DISABLE_HTTP_GIT
        forge.creation_limit = 10         # MAX_CREATION_LIMIT
        forge.rename_org("operations")
        ForgeServer(folder, root_url="http://other.invalid/")  # in links and clone addresses

        forge.misbehave("503", where="GET /api/v1/orgs", times=1, spare=2)  # the third one fails
        forge.headers["Retry-After"] = "7"                    # goes with status codes
        forge.before = lambda request: ...                    # steps in between two requests
        forge.count("GET /api/v1/"), forge.api_counts()

        forge.webhooks.fate = "drop"      # deliver, drop, duplicate, hold (then release())
        forge.webhooks.wait(1)[0].status
        forge.webhooks.blocked_hosts = {"127.0.0.1"}          # not on ALLOWED_HOST_LIST
        forge.org.hooks[id].http_method = "get"

Faults: all of `http_faults.FAULTS`, any status code, and `faults.FORGE_FAULTS`.

Where it is like a real Forgejo and one would not guess it: pages are 30 long unless asked for and
50 at most; only lists of repos have `Link`; repos that the token's user may not see are counted
and left out; the old name of a repo is a 307 to the new one (not over ssh); `updated_at` is in
whole seconds and also moves with settings; changing a hook never changes its secret and resets
events and branch filter that are left out; deploy keys' titles are unique in a repo; without a
protection, forced pushes and deletions of other branches are taken. `signers="users"` is how a real
one understands `require_signed_commits`: the signature of a user of the forge whose e-mail address
is the committer's; with `anybody`, the default, any signature will do.

Of the rules that match a branch one acts alone: on Forgejo a name before patterns, then the oldest;
on Gitea the one with the smallest `priority`, be it a pattern. `*` in a rule crosses no `/`, in
patterns of files neither `.` nor `/`. A rule does not stop merging. A push to `refs/for/main/topic`
becomes `refs/pull/<number>/head` past every rule, while the repo has pull requests. Every reader
may list collaborators; what another user may do is for those who administer the repo, as are keys,
rules, hooks and the name of the rule that acts.

Users without a second factor, where it is enforced, get 404 for every repo of the API; a disabled
account gets 403 from the API and a page with status 200 from git. Beyond `creation_limit` both
forges answer 500 with an empty message. The old name of an organisation is a 307. `GET /user` needs
the scope `read:user`, which `add_token` gives only when asked. A hook that asks with `get` has what
happened in its address, and no call of the API says that it does.

A Gitea (`flavour="gitea"`) also differs in this: the old name of a repo is a 301, old names of
repos and of the organisation lead on over ssh too, hooks have no `X-Forgejo-*`, repos have
`has_code`, there are tag protections, and the push option `repo.private=false` makes a repo public,
also from a deploy key.
"""

from tests.support.forge.records import ApiError, Repo, Right, Team, Token
from tests.support.forge.server import ForgeServer
from tests.support.forge.webhooks import Delivery

__all__ = ["ApiError", "Delivery", "ForgeServer", "Repo", "Right", "Team", "Token"]
