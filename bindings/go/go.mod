module mlplat.example/bindings/go

go 1.24
