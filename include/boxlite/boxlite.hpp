// SPDX-License-Identifier: Apache-2.0
// All of the C++ API:
//
//   auto runtime = boxlite::Runtime::open();
//   auto box = runtime->create({.image = "debian:12"});
//   auto output = box->run_command({.command = {"python3", "-c", "print(6 * 7)"}});
//   // output->stdout_text is "42\n"
#pragma once

#include <boxlite/box.hpp>
#include <boxlite/box_spec.hpp>
#include <boxlite/call_options.hpp>
#include <boxlite/disk_usage.hpp>
#include <boxlite/error.hpp>
#include <boxlite/events.hpp>
#include <boxlite/execution.hpp>
#include <boxlite/files.hpp>
#include <boxlite/host.hpp>
#include <boxlite/images.hpp>
#include <boxlite/log.hpp>
#include <boxlite/metrics.hpp>
#include <boxlite/network.hpp>
#include <boxlite/network_log.hpp>
#include <boxlite/output.hpp>
#include <boxlite/runtime.hpp>
#include <boxlite/signal.hpp>
#include <boxlite/version.hpp>
#include <boxlite/volumes.hpp>
