"""Calls about people: collaborators of a repo, teams of the organisation, who asks."""

from urllib.parse import unquote

from tests.support.forge.api import (
    Answer,
    Forge,
    Request,
    Route,
    link_header,
    number,
    page_of,
    total_header,
)
from tests.support.forge.records import NOT_FOUND, ApiError, Right
from tests.support.forge.views import repository, team, user


def list_collaborators(forge: Forge, request: Request) -> Answer:
    """One page of a repo's; there is no `Link`."""
    repo = forge.org.visible(request.names["repo"], request.token)
    page, _, _ = page_of(request, list(enumerate(repo.collaborators, start=1)))
    shown = [user(forge.places, name, number) for number, name in page]
    return Answer(200, shown, total_header(len(repo.collaborators)))


def get_permission(forge: Forge, request: Request) -> Answer:
    """What a user may do in a repo."""
    repo = forge.org.visible(request.names["repo"], request.token)
    name = unquote(request.names["user"])
    right = repo.collaborators.get(name)
    if right is None:
        raise ApiError(404, NOT_FOUND)
    shown = user(forge.places, name, 1)
    return Answer(200, {"permission": right, "role_name": right, "user": shown})


def list_teams(forge: Forge, request: Request) -> Answer:
    """One page of the organisation's; the owners are a team."""
    teams = list(forge.org.teams.values())
    page, _, _ = page_of(request, teams)
    return Answer(200, [team(group) for group in page], total_header(len(teams)))


def list_team_repos(forge: Forge, request: Request) -> Answer:
    """One page of the repos that a team has a right to."""
    group = forge.org.teams.get(number(request) - 1)
    if group is None:
        raise ApiError(404, NOT_FOUND)
    repos = [
        repo
        for repo in forge.org.repos.values()
        if group.includes_all_repositories or repo.name in group.repos
    ]
    page, _, _ = page_of(request, repos)
    shown = [repository(forge.places, repo, request.right) for repo in page]
    headers = link_header(forge.places, request, len(repos))
    return Answer(200, shown, headers | total_header(len(repos)))


def get_user(forge: Forge, request: Request) -> Answer:
    """Who asks."""
    if request.token is None:
        raise ApiError(401, "token is required")
    return Answer(200, user(forge.places, request.token.user, 1))


_PEOPLE = "/repos/{org}/{repo}/collaborators"
ROUTES = (
    Route("GET", _PEOPLE, list_collaborators),
    Route("GET", _PEOPLE + "/{user}/permission", get_permission),
    Route("GET", "/orgs/{org}/teams", list_teams, Right.READ),
    Route("GET", "/teams/{id}/repos", list_team_repos, Right.READ),
    Route("GET", "/user", get_user, None),
)
