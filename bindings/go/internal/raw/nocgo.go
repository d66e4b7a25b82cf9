//go:build !cgo

package raw

// Without cgo there is no C library to call. The next line does not compile, and says what to do.
var _ = mlplat_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_compiler_and_libmlplat
