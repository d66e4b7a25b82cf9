module mlplat.example/bench/go

go 1.24

require mlplat.example/bindings/go v0.0.0

replace mlplat.example/bindings/go => ../../bindings/go
