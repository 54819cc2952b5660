"""`seedbed completion SHELL`: a script with which a shell completes verbs, stages and options."""

from __future__ import annotations

import argparse
import shlex

ABOUT = "print a script that completes verbs, stages and their options in bash, zsh or fish"

_BASH = """\
# seedbed completion bash > ~/.local/share/bash-completion/completions/seedbed
_seedbed() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" words="" n
  for ((n = 1; n < COMP_CWORD; n++)); do
    case "${{COMP_WORDS[n]}}" in
{cases}
    esac
    [[ -n "$words" ]] && break
  done
  if [[ -z "$words" ]]; then
    COMPREPLY=($(compgen -W "{names}" -- "$word"))
  elif [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    COMPREPLY=()  # names of files, by `-o default`
  fi
}}
complete -o default -F _seedbed seedbed
"""
_ZSH = """\
# seedbed completion zsh > ~/.seedbed.zsh, and `source ~/.seedbed.zsh` in ~/.zshrc
autoload -U +X compinit bashcompinit
compinit
bashcompinit
"""


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("shell", choices=["bash", "zsh", "fish"])


def act(given: argparse.Namespace) -> int:
    """Print the script."""
    words = words_of()
    if given.shell == "fish":
        print("\n".join(_fish(words)))
        return 0
    cases = "\n".join(
        f"      {name}) words={shlex.quote(' '.join(words[name]))} ;;" for name in words
    )
    script = _BASH.format(cases=cases, names=" ".join(words))
    print((_ZSH if given.shell == "zsh" else "") + script, end="")
    return 0


def words_of() -> dict[str, list[str]]:
    """Verb or stage → its options."""
    from pipeline import verbs
    from pipeline.verbs import stage
    from stages import registry
    from stages.errors import UsageError

    found: dict[str, list[str]] = {}
    for name in [*verbs.names(), *registry.names()]:
        parser = argparse.ArgumentParser(name)
        try:
            if name in verbs.names():
                verbs.load(name).options(parser)
            else:
                stage.options(parser, name)
        except UsageError:  # a package's that is broken
            continue
        actions = parser._actions
        found[name] = [
            word for action in actions for word in action.option_strings if word[1:2] == "-"
        ]
    return found


def _fish(words: dict[str, list[str]]) -> list[str]:
    lines = ["# seedbed completion fish > ~/.config/fish/completions/seedbed.fish"]
    first = "__fish_use_subcommand"
    lines.append(f"complete -c seedbed -n {first} -f -a {shlex.quote(' '.join(words))}")
    for name, its in words.items():
        for word in its:
            seen = shlex.quote(f"__fish_seen_subcommand_from {name}")
            lines.append(f"complete -c seedbed -n {seen} -l {word.removeprefix('--')}")
    return lines
