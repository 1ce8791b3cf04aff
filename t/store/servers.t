# SPDX-License-Identifier: Apache-2.0

# The contract tests of an index, with the providers that need a server.

use OCI::Test;

use File::Basename qw(basename);
use File::Temp ();
use OCI::Database;
use OCI::Process;

my @programs = grep { !/_full$/ && -x }
    glob "$OCI::Server::TOP/.build/bin/store/{contract_index*,dbd_lost,index_raise}";
cmp_ok(scalar @programs, '>', 1, 'the programs are built');

# MariaDB's client library never frees some memory.
my %env = (mysql => { ASAN_OPTIONS => 'detect_leaks=0' });

for my $kind (qw(pgsql mysql)) {
    SKIP: for my $program (@programs) {
        my $database = OCI::Database->start($kind)
            or skip("there is no server for $kind", scalar @programs);
        my $output = File::Temp->new;
        my $process = OCI::Process->start(
            command => [ $program, "dbd:$kind", $database->params ],
            output  => "$output",
            env     => $env{$kind}
        );
        $process->wait_for(sub { 0 }, 300);
        $process->stop;
        my $text = OCI::Server::slurp("$output");
        my $passed = () = $text =~ /^ok /mg;
        my $name = basename($program) . ", $kind: $passed";
        ok(!$process->{status} && $passed && $text !~ /^not ok/m, $name)
            or diag(grep { !/^ok / } split /^/, $text);
    }
}

done_testing;
