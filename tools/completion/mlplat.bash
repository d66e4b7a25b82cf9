# Completion of mlplat in bash: `source <(mlplat completion bash)`, or as installed in share/bash-completion/completions.
# What may follow is asked of the program itself: one candidate a line, a tab and its help; the last line says whether
# files may follow too.

_mlplat()
{
    local IFS=$' \t\n' rest=${COMP_LINE:0:COMP_POINT} words=() word blank i
    # Bash divides words at "=" and ":" as well: what stands together in the line is one word of ours.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        blank=${rest%%[![:space:]]*}
        rest=${rest#"$blank"}
        word=${COMP_WORDS[i]}
        ((i == COMP_CWORD)) && word=$rest
        rest=${rest#"$word"}
        if [[ $i == 0 || -n $blank ]]; then
            words+=("$word")
        else
            words[${#words[@]} - 1]+=$word
        fi
    done
    ((${#words[@]} > 1)) || words+=("")
    local current=${words[${#words[@]} - 1]} before=
    # Readline replaces only what stands behind the last of these.
    [[ $current == *[=:]* ]] && before=${current%"${current##*[=:]}"}
    COMPREPLY=()
    local line
    while IFS= read -r line; do
        case $line in
            :files) compopt -o default 2>/dev/null ;;
            :folders) compopt -o default -o dirnames 2>/dev/null ;;
            :none) ;;
            *)
                line=${line%%$'\t'*}
                [[ $line == *[=/] ]] && compopt -o nospace 2>/dev/null
                line=${line#"$before"}
                [[ $current == [\"\']* ]] || printf -v line %q "$line"
                COMPREPLY+=("$line")
                ;;
        esac
    done < <("${1/#\~/$HOME}" __complete bash "${words[@]:1}" 2>/dev/null)
}

complete -F _mlplat mlplat
