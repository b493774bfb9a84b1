# SPDX-License-Identifier: BSD-3-Clause
# Copyright the pmemstream authors

# The rooms of src/: each is a target of its own, linked only to the rooms it may use, and reaches the headers of those and of no others:
# "commit/commit.hpp" is found only by who links to the room commit. For that each room has an include directory with
# nothing but a link to the room in it.
#
# Every room is built three times: as it ships, and for the tests on the simulated medium (prefix sim_) and there under the scheduler, too
# (prefix scheduled_).

function(pmemstream_room_include_directory name source result)
    set(directory ${PROJECT_BINARY_DIR}/rooms/${name})
    get_filename_component(room ${source} NAME)
    file(MAKE_DIRECTORY ${directory})
    file(CREATE_LINK ${source} ${directory}/${room} SYMBOLIC)
    set(${result} ${directory} PARENT_SCOPE)
endfunction()

# pmemstream_room(NAME SOURCES file... USES room... [LIBRARIES library...])
function(pmemstream_room name)
    cmake_parse_arguments(ROOM "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
    list(TRANSFORM ROOM_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/${name}/)
    pmemstream_room_include_directory(${name} ${CMAKE_CURRENT_SOURCE_DIR}/${name} include)
    set(prefixes room_)
    if(PMEMSTREAM_BUILD_TESTS)
        list(APPEND prefixes sim_room_ scheduled_room_)
    endif()
    foreach(prefix IN LISTS prefixes)
        add_library(${prefix}${name} OBJECT ${ROOM_SOURCES})
        target_include_directories(${prefix}${name} PUBLIC ${include})
        target_link_libraries(${prefix}${name} PUBLIC ${ROOM_LIBRARIES})
        foreach(used IN LISTS ROOM_USES)
            target_link_libraries(${prefix}${name} PUBLIC ${prefix}${used})
        endforeach()
    endforeach()
endfunction()
