# SPDX-License-Identifier: Apache-2.0

# Runs ociadmin, and creates indexes of the provider fs without an httpd.
#
#     my $run = ociadmin('copy', "fs $from", "fs $to");
#     $run->{status}, $run->{out}, $run->{err}
#     ociadmin('ls', store_options($server))
#     report_of($server, 'export', 'app', $dir)->{report}{blobs}
#     gc($server, '--grace', 0)->{report}{blobs}
#     check($server, '--digests')->{out}

package OCI::Admin;

use strict;
use warnings;

use Exporter 'import';
use File::Find ();
use File::Path ();
use File::Temp ();
use JSON::PP ();
use OCI::Client;
use OCI::Process;
use OCI::Server;
use POSIX ();
use Test::More ();

our @EXPORT = qw(ociadmin store_options report_of gc check has_no_damage run_is
    used_server collects_beside age_uploads tool make_index make_blobs set_fact
    facts_of give_to_httpd);

# The path of the program, from the same build as the module.
sub tool {
    return OCI::Server::build_of(OCI::Server->sanitized) . '/ociadmin';
}

# Run it until it exits.  A hash as the first argument may set dir, the working
# directory, and output, a file that replaces standard output.  Progress lines,
# which a long run prints, are removed from err.
sub ociadmin {
    my $in = ref $_[0] ? shift : {};
    my @words = @_;
    my $dir = File::Temp->newdir(TMPDIR => 1);
    my ($out, $err) = ($in->{output} // "$dir/out", "$dir/err");
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        chdir $in->{dir} or POSIX::_exit(125) if $in->{dir};
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $out or POSIX::_exit(125);
        open STDERR, '>', $err or POSIX::_exit(125);
        exec tool(), @words or POSIX::_exit(126);
    }
    waitpid $pid, 0;
    return {
        status => $? & 127 ? "signal $?" : $? >> 8,
        out    => $in->{output} ? '' : OCI::Server::slurp($out),
        err    => OCI::Server::slurp($err) =~ s/^\w+ing: \d.*\n//mgr
    };
}

# One test of what ociadmin() returned: the exit status, the message, and numbers
# of the report, which the caller has put into report.
sub run_is {
    my ($run, $status, $sentence, $name, %wanted) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my %got = map { $_ => $run->{report}{$_} } keys %wanted;
    my $ok = Test::More::ok($run->{status} eq $status
        && $run->{err} =~ $sentence && OCI::Client::json_text(\%got)
        eq OCI::Client::json_text(\%wanted), $name);
    Test::More::diag("status $run->{status}: $run->{err}$run->{out}") if !$ok;
    return $ok;
}

# The options that name the stores of a server's registry.
sub store_options {
    my $server = shift;
    my ($blobs, @index) = stores_of($server);
    return ('--store', $blobs, map { ('--index', $_) } @index);
}

# The stores as arguments.  A server's S3 server is told by the environment.
sub stores_of {
    my $server = shift;
    my %env = $server->{blobs}->environment;
    @ENV{ keys %env } = values %env;
    return map { $server->{$_}->argument($server->store) } qw(blobs index);
}

# Run a command on a server's registry.  Returns what ociadmin does, with the
# report in report.
sub report_of {
    my ($server, @words) = @_;
    my $run = ociadmin(@words, '--json', '--quiet', store_options($server));
    $run->{report} = eval { JSON::PP::decode_json($run->{out}) } // {};
    return $run;
}

# Collect the garbage of a server's registry, with these options.  Returns what
# ociadmin does, with the report in report.
sub gc {
    my ($server, @options) = @_;

    # The command ends as the user of httpd, whom LeakSanitizer cannot examine.
    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
    my $run = ociadmin('gc', '--json', '--quiet', @options,
        stores_of($server));
    $run->{report} = eval { JSON::PP::decode_json($run->{out}) } // {};
    return $run;
}

# Check a server's registry, with these options.  Returns what ociadmin does.
sub check {
    my ($server, @options) = @_;

    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
    return ociadmin('check', '--quiet', @options, stores_of($server));
}

# Start a server, and have its store used.
sub used_server {
    my $server = OCI::Server->start(@_);
    OCI::Client->new($server)->get('/v2/');
    return $server;
}

# Test collections with "--grace 0" beside a command with these words, as long
# as it runs; output is a file for what it prints.
sub collects_beside {
    my ($server, $output, @words) = @_;
    my $process = OCI::Process->start(command => [ tool(), @words ],
        output => $output);
    my $runs = 0;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    while ($process->alive && $runs < 500) {
        my $gc = gc($server, '--grace', 0);
        Test::More::is("$gc->{status}$gc->{err}", 0, "gc beside $words[0]");
        $runs++;
    }
    Test::More::cmp_ok($runs, '>', 0, 'at least one run');
    return;
}

# Test that a registry has nothing but what a killed process may leave: also a
# referrer or a repository that is not listed, whose push or deletion did not
# come to its end.
sub has_no_damage {
    my $server = shift;
    my $run = check($server, '--json', '--sparse', 'Index');
    my @findings = map { JSON::PP::decode_json($_) } split /\n/, $run->{out};
    my $report = pop @findings // {};
    my @damage = grep { $_->{kind} eq 'damage'
        && $_->{finding} !~ /^(?:referrer|catalog)-missing$/ } @findings;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::ok(defined $report->{damage} && !@damage,
        'check finds no damage: ' . @findings . ' leftovers')
        || Test::More::diag($run->{err} . $run->{out});
}

# Make all uploads of the blob store DIR look old, so that the next run of the
# garbage collection ends them.
sub age_uploads {
    my $dir = shift;
    opendir my $uploads, "$dir/uploads" or die "$dir/uploads: $!\n";
    utime 1, 1, map { "$dir/uploads/$_" } grep { !/^\.\.?\z/ } readdir $uploads;
    return;
}

# Set a fact in the index DIR/index, in the on-disk form that fs_index.c
# describes.
sub set_fact {
    my ($dir, $key, $value) = @_;
    my $path = "$dir/index/$key";
    File::Path::make_path($path =~ s{/[^/]+\z}{}r);
    unlink $path;
    if ($value =~ /\A[\x21-\x7e]{1,1023}\z/) {
        symlink $value, $path or die "$path: $!\n";
        return;
    }
    open my $file, '>:raw', $path or die "$path: $!\n";
    print $file $value;
    return close $file;
}

# Make the index DIR/index with about this many facts, of all kinds.  Every
# second value has the form of version 1, which stays when an index is raised.
sub make_index {
    my ($dir, $count, $version) = @_;
    File::Path::make_path("$dir/index");
    open my $file, '>', "$dir/index/.version" or die "$dir: $!\n";
    print $file 'mod_oci index ', $version // 2, "\n";
    close $file;
    for my $n (1 .. $count / 5) {
        my $digest = OCI::Client::digest_of($n);
        my $repo = 'r' . $n % 20;
        set_fact($dir, "blob/$digest", "$n;$digest");
        set_fact($dir, "catalog/$repo!", '');
        set_fact($dir, "repo/$repo/_blob/$digest", $n % 50 ? '' : ";$n");
        set_fact($dir, "repo/$repo/_manifest/$digest", 'a type'
            . ($n % 2 ? '' : "\t$n\ta%20b") . "\n" . "\0\n$n" x ($n % 300));
        set_fact($dir, "repo/$repo/_tag/v$n",
            $digest . ($n % 2 ? '' : ";$n;a%20b"));
        set_fact($dir, "repo/$repo/_tagged/$digest/v$n", '');
    }
    return;
}

# Make an empty blob store in DIR with this id.  It belongs to the index whose
# fact "store" is the same id.
sub make_blobs {
    my ($dir, $id) = @_;
    File::Path::make_path("$dir/blobs");
    open my $file, '>', "$dir/blobs/.id" or die "$dir: $!\n";
    print $file "$id\n";
    close $file;
    give_to_httpd($dir);
    return $dir;
}

# Give all files in a directory to the user of httpd's children, if root runs
# the tests.
sub give_to_httpd {
    my $dir = shift;
    my ($uid, $gid) = (getpwnam(OCI::Server::user()))[ 2, 3 ];
    system 'chown', '-Rh', "$uid:$gid", $dir if !$>;
    return;
}

# The facts of the index DIR/index, as a hash, without those that say which index
# it is: a copy has others.
sub facts_of {
    my $dir = shift;
    my %facts;
    File::Find::find({ no_chdir => 1, wanted => sub {
        my $key = s{^\Q$dir/index\E/?}{}r;
        return $File::Find::prune = 1 if $key =~ /^\./;
        return if -d && !-l;
        $facts{$key} = OCI::Server::fact($_);
    } }, "$dir/index");
    delete @facts{qw(index copy-of)};
    return \%facts;
}

1;
