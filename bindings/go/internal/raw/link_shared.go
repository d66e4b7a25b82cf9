//go:build !mlplat_static

package raw

// #cgo pkg-config: mlplat
import "C"
