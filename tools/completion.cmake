# The scripts in completion/ are built into the program (`mlplat completion bash`) and installed where each shell looks.
set(scripts bash completion/mlplat.bash share/bash-completion/completions/mlplat
            zsh completion/_mlplat share/zsh/site-functions/_mlplat
            fish completion/mlplat.fish share/fish/vendor_completions.d/mlplat.fish)
set(text "/* Made by completion.cmake. */\n#include \"cli.h\"\n\nconst cli_script cli_scripts[] = {\n")
while(scripts)
  list(POP_FRONT scripts shell file place)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
  string(REGEX REPLACE "(\\\\x0a)" "\\1\"\n     \"" bytes "${bytes}")
  string(APPEND text "    {\"${shell}\",\n     \"${bytes}\"},\n")
  get_filename_component(folder ${place} DIRECTORY)
  get_filename_component(name ${place} NAME)
  string(REGEX REPLACE "^share" "${CMAKE_INSTALL_DATAROOTDIR}" folder ${folder})
  install(FILES ${file} DESTINATION ${folder} RENAME ${name} COMPONENT mlplat)
endwhile()
string(APPEND text "    {NULL, NULL},\n};\n")
file(CONFIGURE OUTPUT cli_scripts.c CONTENT "${text}" @ONLY)
