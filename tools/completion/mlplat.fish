# Completion of mlplat in fish: `mlplat completion fish | source`, or as installed in share/fish/vendor_completions.d.
# What may follow is asked of the program itself: one candidate a line, a tab and its help; the last line says whether
# files may follow too.

function __mlplat_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (command $words[1] __complete fish $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':folders'
                __fish_complete_directories "$current"
            case ':none'
            case '*'
                echo $line
        end
    end
end

complete -c mlplat -f -k -a '(__mlplat_complete)'
