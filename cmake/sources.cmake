# Which files make the library, and how the kernels are compiled once for each instruction set.

file(GLOB CANTO_KERNELS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/math/*_isa.c)

# canto_sources(RESULT FOLDER...): every .c file of the folders of src/, the kernels apart. A folder may be empty; a
# list of sources may not, so an empty one gets a placeholder.
function(canto_sources result)
    set(sources)
    foreach(folder IN LISTS ARGN)
        file(GLOB found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.c)
        list(APPEND sources ${found})
    endforeach()
    list(REMOVE_ITEM sources ${CANTO_KERNELS})
    if(NOT sources)
        set(placeholder ${PROJECT_BINARY_DIR}/placeholder_${result}.c)
        file(CONFIGURE OUTPUT ${placeholder} CONTENT "typedef int canto_nothing_here_yet;\n")
        list(APPEND sources ${placeholder})
    endif()
    set(${result} ${sources} PARENT_SCOPE)
endfunction()

# canto_isa_list(RESULT): the instruction sets beyond the portable one that this processor family has.
function(canto_isa_list result)
    set(isas)
    if(CANTO_KERNELS)
        if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
            set(isas avx2 avx512)
        elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
            set(isas neon)
        endif()
    endif()
    set(${result} ${isas} PARENT_SCOPE)
endfunction()

set(CANTO_FLAGS_portable)
set(CANTO_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(CANTO_FLAGS_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512)
set(CANTO_FLAGS_neon)

# canto_kernels(OWNER RESULT ISA...): src/math/*_isa.c compiled with -DCANTO_ISA=portable and once more for each ISA, with
# OWNER's definitions. RESULT receives the objects.
function(canto_kernels owner result)
    set(objects)
    if(CANTO_KERNELS)
        foreach(isa portable ${ARGN})
            set(target ${owner}_${isa})
            add_library(${target} OBJECT ${CANTO_KERNELS})
            canto_use(${target})
            target_compile_definitions(${target} PRIVATE CANTO_ISA=${isa}
                $<TARGET_PROPERTY:${owner},COMPILE_DEFINITIONS>)
            target_compile_options(${target} PRIVATE ${CANTO_FLAGS_${isa}})
            list(APPEND objects $<TARGET_OBJECTS:${target}>)
        endforeach()
    endif()
    set(${result} ${objects} PARENT_SCOPE)
endfunction()
