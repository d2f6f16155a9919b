//! What a shell loads, once for all commands: it asks the command that is being typed.
//!
//! The scripts of the library cut words at colons, as bash does, and take what stands behind one for a description, as zsh
//! does; both would leave nothing of `vos:path`.

use clap::ValueEnum;

use super::VARIABLE;
use crate::args;

/// A shell with completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// GNU bash, 4 or later
    Bash,
    /// Z shell
    Zsh,
    /// Friendly interactive shell
    Fish,
}

/// Also completed by these scripts, because it answers in the same way.
const MOUNT: &str = "mountvofs";

/// Words are put together again that bash cut at colons; what stood before the last colon is taken off the answers,
/// because bash keeps it.
const BASH: &str = r#"_vospace_complete() {
    local IFS=$'\013' words=() index at word before= rest=$COMP_LINE cur prefix=
    for at in "${!COMP_WORDS[@]}"; do
        word=${COMP_WORDS[at]}
        # Nothing between this one and the one before: bash cut here.
        if ((at > 0)) && [[ $rest != [[:space:]]* && ( $word == :* || $before == *: ) ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        rest=${rest#"${rest%%[![:space:]]*}"}
        rest=${rest#"$word"}
        before=$word
        if ((at == COMP_CWORD)); then break; fi
    done
    index=$((${#words[@]} - 1))
    cur=${words[index]}
    COMPREPLY=($(_CLAP_IFS="$IFS" _CLAP_COMPLETE_INDEX="$index" VARIABLE=bash "$1" -- "${words[@]}" 2>/dev/null))
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then prefix=${cur%"${cur##*:}"}; fi
    for at in "${!COMPREPLY[@]}"; do
        word=${COMPREPLY[at]#"$prefix"}
        printf -v word %q "$word"
        COMPREPLY[at]=$word
    done
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=/:] ]]; then compopt -o nospace; fi
}
complete -F _vospace_complete COMMANDS
"#;

const ZSH: &str = r#"#compdef COMMANDS
_vospace_complete() {
    local -a found open
    found=("${(@f)$(_CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$((CURRENT - 1)) VARIABLE=bash "${words[1]}" -- "${(@Q)words}" 2>/dev/null)}")
    open=("${(@M)found:#*[=/:]}")
    found=("${(@)found:#*[=/:]}")
    [[ -n "${found[1]}" ]] && compadd -a found
    [[ -n "${open[1]}" ]] && compadd -S '' -a open
}
if [[ ${funcstack[1]} == _vospace ]]; then
    _vospace_complete "$@"
else
    compdef _vospace_complete COMMANDS
fi
"#;

const FISH: &str = r#"for command in COMMANDS
    complete --keep-order --exclusive --command $command --arguments "(VARIABLE=fish $command -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
end
"#;

/// The script for a shell.
pub(crate) fn script(shell: Shell) -> String {
    let text = match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
    };
    let names: Vec<&str> = args::names().chain([MOUNT]).collect();
    text.replace("VARIABLE", VARIABLE).replace("COMMANDS", &names.join(" "))
}
