# cmake -D PROGRAM=mlplat -D FOLDER=man -P manual_pages.cmake: writes mlplat.1, mlplat-run.1, ...
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER})
set(ENV{ASAN_OPTIONS} detect_leaks=0) # where no process may be traced, looking for leaks fails
execute_process(COMMAND ${PROGRAM} help --all -o tsv OUTPUT_VARIABLE commands COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\n[a-z-]+ [a-z-]+\t" words "${commands}")
set(groups)
foreach(word IN LISTS words)
  string(REGEX REPLACE "\n([a-z-]+) .*" "\\1" group "${word}")
  list(APPEND groups ${group})
endforeach()
list(REMOVE_DUPLICATES groups)
foreach(group IN LISTS groups)
  execute_process(COMMAND ${PROGRAM} help ${group} --man OUTPUT_FILE ${FOLDER}/mlplat-${group}.1
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
execute_process(COMMAND ${PROGRAM} help --man OUTPUT_FILE ${FOLDER}/mlplat.1 COMMAND_ERROR_IS_FATAL ANY)
