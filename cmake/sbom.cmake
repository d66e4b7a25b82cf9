# mlplat.spdx.json: what the library is made of, as SPDX 2.3 has it. The same versions are the same bytes: its date is
# SOURCE_DATE_EPOCH, else the epoch.
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  string(TIMESTAMP created "%Y-%m-%dT%H:%M:%SZ" UTC)
else()
  set(created 1970-01-01T00:00:00Z)
endif()

set(sbom_packages)
set(sbom_links)
function(mlplat_sbom_package name version licence purpose)
  set(package "    {
      \"name\": \"${name}\", \"SPDXID\": \"SPDXRef-${name}\", \"versionInfo\": \"${version}\",
      \"licenseDeclared\": \"${licence}\", \"licenseConcluded\": \"${licence}\", \"copyrightText\": \"NOASSERTION\",
      \"downloadLocation\": \"NOASSERTION\", \"filesAnalyzed\": false, \"primaryPackagePurpose\": \"${purpose}\"
    }")
  set(sbom_packages ${sbom_packages} ${package} PARENT_SCOPE)
endfunction()

function(mlplat_sbom_link from kind to)
  set(sbom_links ${sbom_links} "    { \"spdxElementId\": \"SPDXRef-${from}\", \"relationshipType\": \"${kind}\",
      \"relatedSpdxElement\": \"SPDXRef-${to}\" }" PARENT_SCOPE)
endfunction()

mlplat_sbom_package(mlplat ${PROJECT_VERSION} Apache-2.0 LIBRARY)
mlplat_sbom_link(DOCUMENT DESCRIBES mlplat)
set(licence_jansson MIT)
set(licence_libcurl curl)
set(licence_sqlite3 blessing)
set(licence_yaml-0.1 MIT)
set(licence_libzstd "BSD-3-Clause OR GPL-2.0-only")
set(linked)
foreach(dependency IN LISTS MLPLAT_DEPENDENCIES)
  string(REPLACE "PkgConfig::" "" prefix ${dependency})
  set(name ${${prefix}_MODULE_NAME})
  mlplat_sbom_package(${name} ${${prefix}_VERSION} "${licence_${name}}" LIBRARY)
  mlplat_sbom_link(mlplat DYNAMIC_LINK ${name})
  string(APPEND linked " ${name} ${${prefix}_VERSION}")
endforeach()
string(UUID identity NAMESPACE 6ba7b811-9dad-11d1-80b4-00c04fd430c8 TYPE SHA1
  NAME "mlplat ${PROJECT_VERSION} ${MLPLAT_PROFILE}${linked} ${created}")
list(JOIN sbom_packages ",\n" sbom_packages)
list(JOIN sbom_links ",\n" sbom_links)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/mlplat.spdx.json @ONLY CONTENT "{
  \"spdxVersion\": \"SPDX-2.3\", \"dataLicense\": \"CC0-1.0\", \"SPDXID\": \"SPDXRef-DOCUMENT\",
  \"name\": \"mlplat-${PROJECT_VERSION}\", \"documentNamespace\": \"urn:uuid:${identity}\",
  \"creationInfo\": { \"created\": \"${created}\", \"creators\": [\"Tool: mlplat-cmake\"] },
  \"packages\": [
${sbom_packages}
  ],
  \"relationships\": [
${sbom_links}
  ]
}
")
install(FILES ${PROJECT_BINARY_DIR}/mlplat.spdx.json DESTINATION ${CMAKE_INSTALL_DATADIR}/mlplat COMPONENT mlplat)
