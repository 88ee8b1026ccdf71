"""A real sshd that lets in the deploy keys of a test forge, each to its own repos."""

import shlex
from pathlib import Path

from tests.support.forge.disk import replace_file
from tests.support.forge.organisation import Organisation
from tests.support.forge.records import FORGE_NAMES, Key
from tests.support.sshd import SshServer

_SERV = r"""#!/bin/sh
# $1 is the file of what a key may do: a line for each repo with path, mode, id and title.
# @moved@ has a line for each old name that leads on: `org` or `repo`, the old and the new name.
fail() {
    echo "@forge@: $1" >&2
    exit 1
}

case $SSH_ORIGINAL_COMMAND in
"git-receive-pack '"* | "git receive-pack '"*) verb=receive-pack need=write words='write to' ;;
"git-upload-pack '"* | "git upload-pack '"*) verb=upload-pack need=read words=read ;;
"")
    echo "Hi there, You've successfully authenticated, but @forge@ does not provide shell access."
    exit 0
    ;;
*) fail "Unknown git command" ;;
esac
path=${SSH_ORIGINAL_COMMAND#*\'}
path=${path%\'}
path=${path#/}
path=${path%.git}
while read -r kind old new; do
    if [ "$kind" = org ] && [ "${path%%/*}" = "$old" ]; then
        path=$new/${path#*/}
    elif [ "$kind" = repo ] && [ "${path#*/}" = "$old" ]; then
        path=${path%%/*}/$new
    fi
done <"@moved@"
[ -d "@root@/$path.git" ] || fail "Cannot find repository: $path"
mode=
while read -r repo repo_mode repo_key repo_title; do
    known=$repo_key:$repo_title
    [ "$repo" = "$path" ] && mode=$repo_mode key=$repo_key title=$repo_title
done <"$1"
[ -n "$mode" ] || fail "Public (Deploy) Key: $known is not authorized to $words $path."
if [ "$need" = write ]; then
    [ ! -e "@root@/$path.git/forge-archived" ] || fail "Repo: $path is archived."
    [ "$mode" = write ] || fail "Deploy Key: $key:$title is not authorized to $words $path."
fi
FORGE_DEPLOY_KEY=$key
export FORGE_DEPLOY_KEY
exec git "$verb" "@root@/$path.git"
"""


class ForgeSsh(SshServer):
    """Runs until the `with` block ends.

    Attributes:
        url_pattern: the address of a repo, with `{path}` in it.
    """

    def __init__(self, folder: Path, org: Organisation) -> None:
        super().__init__(folder)
        self._org = org
        self._rights_dir = self.folder / "rights"
        self._rights_dir.mkdir()
        self._written: dict[int, str] = {}
        self._lines: dict[int, str] = {}
        self._moved_file = self.folder / "moved"
        self._moved_file.touch()
        self._serv = self.folder / "serv"
        self._serv.write_text(
            _SERV.replace("@root@", str(org.disk.repos_dir.parent.resolve()))
            .replace("@moved@", str(self._moved_file))
            .replace("@forge@", FORGE_NAMES[org.flavour])
        )
        self._serv.chmod(0o755)

    @property
    def url_pattern(self) -> str:
        """The address of a repo, with `{path}` in it."""
        return f"ssh://{self.user_name}@{self.host}:{self.port}/{{path}}"

    def write(self) -> None:
        """Let in the keys that the forge has now, under the names that lead to repos now."""
        with self._org.lock:
            if self._org.flavour == "gitea":
                replace_file(self._moved_file, self._moved())
            rights: dict[int, str] = {}
            for repo in self._org.repos.values():
                for key in repo.keys:
                    mode = "read" if key.read_only else "write"
                    line = f"{self._org.name}/{repo.name} {mode} {key.id} {key.title}\n"
                    rights[key.key_id] = rights.get(key.key_id, "") + line
                    if key.key_id not in self._lines:
                        self._lines[key.key_id] = self._authorized(key)
            for key_id, told in rights.items():
                if self._written.get(key_id) != told:
                    replace_file(self._rights_file(key_id), told)
            self.authorize(self._lines[key_id] for key_id in rights)
            self._written = rights

    def _moved(self) -> str:
        orgs = [f"org {old} {self._org.name}\n" for old in sorted(self._org.former_names)]
        repos = [f"repo {old} {new}\n" for old, new in sorted(self._org.old_names().items())]
        return "".join([*orgs, *repos])

    def _rights_file(self, key_id: int) -> Path:
        return self._rights_dir / str(key_id)

    def _authorized(self, key: Key) -> str:
        """The line for a key; sshd runs its command whatever the client asks for."""
        words = shlex.join([str(self._serv), str(self._rights_file(key.key_id))])
        return f'restrict,command="{words}" {" ".join(key.content.split()[:2])}'
