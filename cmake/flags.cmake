# canto_flags(TARGET): the language, the warnings and the rules of arithmetic that hold for every file.
# No -ffast-math and no contraction: a product and a sum are fused only where the source says so. Nobody reads errno after a
# square root, so loops over one may be vectorized.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # gnu17: POSIX is in sight without feature macros; -Wpedantic refuses the language extensions
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(CMAKE_C_FLAGS_RELEASE "-O3 -DNDEBUG")
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()

set(CANTO_SANITIZE "" CACHE STRING "Sanitizers: empty, address (with undefined behaviour), thread, or fuzz (clang's: address and coverage)")
set(CANTO_WERROR ON CACHE BOOL "Warnings are errors")

function(canto_flags target)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -ffp-contract=off -fno-math-errno)
    if(CANTO_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    # Kernels read no file: fuzzing leaves them to the other sanitizers, and is spared minutes of compiling.
    if(CANTO_SANITIZE STREQUAL "fuzz" AND target MATCHES "_(portable|avx2|avx512|neon)$")
        return()
    endif()
    if(CANTO_SANITIZE)
        if(CANTO_SANITIZE STREQUAL "address")
            set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=all)
        elseif(CANTO_SANITIZE STREQUAL "thread")
            set(sanitize -fsanitize=thread)
        elseif(CANTO_SANITIZE STREQUAL "fuzz")
            set(sanitize -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
        else()
            message(FATAL_ERROR "CANTO_SANITIZE is \"${CANTO_SANITIZE}\"; use address, thread or fuzz")
        endif()
        # Instrumentation makes gcc see uninitialized values that are none.
        target_compile_options(${target} PRIVATE ${sanitize} -fno-omit-frame-pointer -Wno-maybe-uninitialized
            $<$<C_COMPILER_ID:Clang>:-Wno-unknown-warning-option>)
        target_link_options(${target} PRIVATE ${sanitize})
    endif()
endfunction()
