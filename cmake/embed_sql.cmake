# cmake -DOUT=file.cpp -DFILES="a.sql;b.sql" -P embed_sql.cmake: the migrations as one C++ table, in the order of their numbers.
set(rows "")
list(SORT FILES)
foreach(file ${FILES})
  get_filename_component(stem ${file} NAME_WE)
  if(NOT stem MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)$")
    message(FATAL_ERROR "${file}: a migration is called NNNN_name.sql")
  endif()
  string(REGEX REPLACE "^0*([0-9]+)$" "\\1" number ${CMAKE_MATCH_1})
  string(REGEX REPLACE "^[0-9]+_" "" name ${stem})
  file(READ ${file} sql)
  string(APPEND rows "    {${number}, \"${name}\", R\"segue_sql(${sql})segue_sql\"},\n")
endforeach()
file(WRITE ${OUT} "// Made of src/store/migrations by cmake/embed_sql.cmake.
#include <array>

#include \"store/migrations.hpp\"

namespace segue::store {
namespace {

const std::array kMigrations{std::to_array<Migration>({
${rows}})};

}  // namespace

std::span<const Migration> all_migrations() {
    return kMigrations;
}

}  // namespace segue::store
")
