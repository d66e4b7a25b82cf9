//go:build mlplat_static

package raw

// #cgo pkg-config: --static mlplat-static
import "C"
