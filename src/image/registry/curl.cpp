// SPDX-License-Identifier: Apache-2.0
#include "image/registry/curl.h"

#include "linux/shared_library.h"

namespace boxlite::image {
namespace {

Result<Curl> find_functions(const linux_::SharedLibrary& library) {
  Curl curl;
  BOXLITE_TRY(library.find("curl_global_init", curl.global_init));
  BOXLITE_TRY(library.find("curl_easy_init", curl.easy_init));
  BOXLITE_TRY(library.find("curl_easy_cleanup", curl.easy_cleanup));
  BOXLITE_TRY(library.find("curl_easy_reset", curl.easy_reset));
  BOXLITE_TRY(library.find("curl_easy_setopt", curl.easy_setopt));
  BOXLITE_TRY(library.find("curl_easy_getinfo", curl.easy_getinfo));
  BOXLITE_TRY(library.find("curl_easy_strerror", curl.easy_strerror));
  BOXLITE_TRY(library.find("curl_multi_init", curl.multi_init));
  BOXLITE_TRY(library.find("curl_multi_cleanup", curl.multi_cleanup));
  BOXLITE_TRY(library.find("curl_multi_add_handle", curl.multi_add_handle));
  BOXLITE_TRY(library.find("curl_multi_remove_handle", curl.multi_remove_handle));
  BOXLITE_TRY(library.find("curl_multi_perform", curl.multi_perform));
  BOXLITE_TRY(library.find("curl_multi_poll", curl.multi_poll));
  BOXLITE_TRY(library.find("curl_multi_info_read", curl.multi_info_read));
  BOXLITE_TRY(library.find("curl_slist_append", curl.slist_append));
  BOXLITE_TRY(library.find("curl_slist_free_all", curl.slist_free_all));
  BOXLITE_TRY(library.find("curl_url", curl.url));
  BOXLITE_TRY(library.find("curl_url_set", curl.url_set));
  BOXLITE_TRY(library.find("curl_url_get", curl.url_get));
  BOXLITE_TRY(library.find("curl_url_cleanup", curl.url_cleanup));
  BOXLITE_TRY(library.find("curl_free", curl.free));
  return curl;
}

Error explained(const Error& error) {
  return Error(ErrorCode::unsupported, error.message())
      .with_remedy("registries are reached with libcurl 7.85 or newer: sudo apt-get install libcurl4");
}

}  // namespace

Result<Curl> Curl::load() {
  const auto library = linux_::SharedLibrary::open("libcurl.so.4");
  if (!library) return fail(explained(library.error()));
  auto curl = find_functions(*library);
  if (!curl) return fail(explained(curl.error()));
  // Counted and locked by libcurl (since 7.84); never undone, as the library is never unloaded.
  curl->global_init(CURL_GLOBAL_DEFAULT);
  return curl;
}

}  // namespace boxlite::image
