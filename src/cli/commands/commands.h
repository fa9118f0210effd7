// SPDX-License-Identifier: Apache-2.0
// Every command, each in a file of its own.
#pragma once

#include "cli/call.h"

namespace boxlite::cli {

Outcome run_command(Call& call);
Outcome create_command(Call& call);
Outcome start_command(Call& call);
Outcome stop_command(Call& call);
Outcome warm_command(Call& call);
Outcome snapshot_list_command(Call& call);
Outcome snapshot_prune_command(Call& call);
Outcome pause_command(Call& call);
Outcome unpause_command(Call& call);
Outcome restart_command(Call& call);
Outcome exec_command(Call& call);
Outcome logs_command(Call& call);
Outcome attach_command(Call& call);
Outcome executions_command(Call& call);
Outcome kill_command(Call& call);
Outcome wait_command(Call& call);
Outcome rename_command(Call& call);
Outcome remove_command(Call& call);
Outcome prune_command(Call& call);
Outcome copy_command(Call& call);
Outcome file_list_command(Call& call);
Outcome file_stat_command(Call& call);
Outcome file_cat_command(Call& call);
Outcome file_write_command(Call& call);
Outcome file_mkdir_command(Call& call);
Outcome file_remove_command(Call& call);
Outcome file_move_command(Call& call);
Outcome file_watch_command(Call& call);
Outcome list_command(Call& call);
Outcome port_command(Call& call);
Outcome network_publish_command(Call& call);
Outcome network_unpublish_command(Call& call);
Outcome network_policy_command(Call& call);
Outcome network_log_command(Call& call);
Outcome network_capture_command(Call& call);
Outcome network_tunnel_command(Call& call);
Outcome inspect_command(Call& call);

Outcome pull_command(Call& call);
Outcome load_command(Call& call);
Outcome images_command(Call& call);
Outcome image_inspect_command(Call& call);
Outcome image_remove_command(Call& call);
Outcome image_prune_command(Call& call);
Outcome image_export_command(Call& call);

Outcome stats_command(Call& call);
Outcome top_command(Call& call);
Outcome events_command(Call& call);
Outcome metrics_command(Call& call);
Outcome volume_create_command(Call& call);
Outcome volume_list_command(Call& call);
Outcome volume_inspect_command(Call& call);
Outcome volume_remove_command(Call& call);
Outcome volume_prune_command(Call& call);
Outcome volume_attach_command(Call& call);
Outcome volume_detach_command(Call& call);

Outcome gc_command(Call& call);
Outcome disk_usage_command(Call& call);
Outcome info_command(Call& call);
Outcome doctor_command(Call& call);
Outcome version_command(Call& call);
Outcome completion_command(Call& call);

}  // namespace boxlite::cli
