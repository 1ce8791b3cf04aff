# SPDX-License-Identifier: Apache-2.0

# ociadmin copy is killed, interrupted, runs out of space, or its source changes
# during the copy: the same command line then finishes it, and httpd never
# serves an incomplete copy.

use OCI::Test;

use File::Temp ();
use OCI::Admin;
use Time::HiRes qw(sleep);

my $FACTS = 4000;

my $TOP = File::Temp->newdir('mod_oci-copy-XXXXXX', TMPDIR => 1);
chmod 0755, "$TOP";
my $from = "$TOP/from";
make_index($from, $FACTS);
give_to_httpd($from);
my $facts = facts_of($from);
my $last = (sort keys %$facts)[-1];
my $mounted;

END {
    my $status = $?;
    system "umount -l '$mounted'" if $mounted;
    $? = $status;
}

# Begin a copy in a separate process.
sub begin {
    my ($to, @options) = @_;
    unlink "$to.out";
    return OCI::Process->start(
        command => [ tool(), 'copy', @options, "fs $from", "fs $to" ],
        output  => "$to.out"
    );
}

# The last key that was copied; undef if there is no mark.
sub mark_of {
    my $to = shift;
    my ($name, $key) = OCI::Server::slurp("$to/index/copy")
        =~ /\A([^\n]+)\n([^\n]*)\z/ or return;
    is($name, "fs $from/index", 'the mark names the source')
        if $name ne "fs $from/index";
    return $key;
}

# Begin a copy, and stop its process before the last key.
sub start_and_stop {
    my ($to, @options) = @_;
    for my $try (1 .. 20) {
        my $copy = begin($to, @options);
        my $key;
        while ($copy->wait_for(sub { length($key = mark_of($to) // '') })) {
            $copy->freeze;
            $key = mark_of($to);
            return $copy if defined $key && $key lt $last;
            $copy->signal('CONT');
        }
        system 'rm', '-rf', $to;    # it finished before the signal
    }
    die "no copy could be stopped before its end\n";
}

# Continue a stopped copy; returns its exit status and its output.
sub continue_copy {
    my ($copy, $to) = @_;
    $copy->signal('CONT');
    $copy->wait_for(sub { 0 }, 120);
    return ($copy->{status} >> 8, OCI::Server::slurp("$to.out"));
}

# Two tests: the same command line finishes a copy.
sub finishes {
    my ($to, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = ociadmin('copy', '--quiet', "fs $from", "fs $to");
    is($run->{status}, 0, "$name: the copy finishes")
        or diag($run->{err});
    is_deeply(facts_of($to), facts_of($from), "$name: it is complete");
    return;
}

# ---- killed

# Every second copy is killed as soon as it has made progress, the others after
# a random time.
subtest 'killed at any moment' => sub {
    my ($killed, $resumed) = (0, 0);
    for my $round (1 .. 4) {
        my $to = "$TOP/killed$round";
        my ($before, $tries) = ('', 0);
        while ($tries++ < 40) {
            my $copy = begin($to);
            $copy->wait_for(
                $tries % 2 ? sub { (mark_of($to) // '') gt $before }
                           : sub { 0 },
                $tries % 2 ? 60 : rand 0.2);
            if (!$copy->alive) {
                is($copy->{status}, 0, 'it finishes')
                    or diag(OCI::Server::slurp("$to.out"));
                last;
            }
            $copy->kill9;
            $killed++;
            my $key = mark_of($to);
            if (!defined $key) {
                my $there = facts_of($to);
                next if !%$there;
                is_deeply($there, $facts, 'without a mark it is complete');
                last;
            }
            ok($key ge $before, "it never goes back: '$before', '$key'")
                if $key lt $before;
            $resumed++ if length $before && $key gt $before;
            $before = $key;
        }
        my $run = ociadmin('copy', '--force', "fs $from", "fs $to");
        is($run->{status}, 0, 'it finishes') or diag($run->{err});
        my $there = facts_of($to);
        is(scalar(keys %$there), scalar(keys %$facts), 'all keys exist');
        is_deeply($there, $facts, 'with the right values');
        system 'rm', '-rf', $to;
    }
    cmp_ok($killed, '>=', 4, "$killed kills");
    cmp_ok($resumed, '>', 0, "$resumed continued a copy that was killed");
};

subtest 'killed before its end' => sub {
    my $to = "$TOP/middle";
    my $copy = start_and_stop($to);
    $copy->kill9;
    my $key = mark_of($to);
    ok(exists facts_of($to)->{$key}, 'the mark names a fact that exists');
    my $server = OCI::Server->start(config => "OCIIndex fs $to");
    $server->expects(qr/holds an unfinished copy/);
    error_is(OCI::Client->new($server)->get('/v2/_catalog'), 503,
        'UNAVAILABLE', qr/being moved/, 'httpd does not serve it');
    $server->stop;

    # Changes to keys before the mark, in either index, are found.
    my @keys = sort keys %$facts;
    set_fact($to, $keys[0], 'other');
    set_fact($from, $keys[1], 'newer');
    finishes($to, 'killed and changed');
    set_fact($from, $keys[1], $facts->{ $keys[1] });
};

# ---- interrupted by a signal

for my $signal (qw(INT TERM)) {
    my $to = "$TOP/$signal";
    my $copy = start_and_stop($to, '--quiet');
    $copy->signal($signal);
    my ($status, $said) = continue_copy($copy, $to);
    is($status, 1, "SIG$signal ends it");
    is($said, "ociadmin: interrupted; run the same command again to continue\n",
        'with a message');
    ok(length mark_of($to), 'the mark holds a key');
    finishes($to, "SIG$signal");
}

# ---- progress

{
    my %to = map { $_ => "$TOP/$_" } qw(loud quiet);
    my %copy = (loud => start_and_stop($to{loud}),
        quiet => start_and_stop($to{quiet}, '--quiet'));
    sleep 5.2;
    my %said = map { $_ => (continue_copy($copy{$_}, $to{$_}))[1] } keys %copy;
    my $summary = qr/copied fs \S+ to fs \S+: \d+ facts, .* s\n/;
    like($said{loud}, qr{\A(?:(?:copying|comparing):\ \d+\ facts,
        \ [\d.]+\ MiB,\ \d+\ facts/s\n)+$summary\z}x, 'progress, and a summary');
    like($said{quiet}, qr/\A$summary\z/, '--quiet: the summary alone');
}

# ---- two copies at the same time

{
    my $to = "$TOP/two";
    my $copy = start_and_stop($to);
    my $other = OCI::Process->start(output => "$to.other", command =>
        [ tool(), 'copy', "fs $from", "fs $to" ]);
    $other->wait_for(sub { 0 }, 0.5);
    ok($other->alive, 'a second copy to the same target waits');
    is((continue_copy($copy, $to))[0], 0, 'the first one finishes');
    $other->wait_for(sub { 0 }, 120);
    like(OCI::Server::slurp("$to.other"), qr/is not empty/,
        'the second one finds a finished copy');
}

# ---- a source that changes

{
    my $to = "$TOP/changed";
    my $copy = start_and_stop($to, '--quiet');
    my @keys = grep { m{^blob/} } sort keys %$facts;
    unlink "$from/index/$keys[0]";
    set_fact($from, $keys[1], 'changed');
    set_fact($from, 'blob/sha256:00', 'new');
    my ($status, $said) = continue_copy($copy, $to);
    is($status, 1, 'a source that changes during the copy');
    like($said, qr{\Aociadmin:\ 3\ facts\ differ,\ the\ first\ at\ blob/
        sha256:00.*:\ stop\ all\ writes\ to\ fs\ \Q$from\E/index
        \ \(OCIReadOnly\ On\),\ then\ run\ the\ same\ command\ again\n\z}x,
        'is reported');
    is(mark_of($to), '', 'the mark is reset');
    finishes($to, 'changed');
    unlink "$from/index/blob/sha256:00";
    set_fact($from, $_, $facts->{$_}) for @keys[ 0, 1 ];
}

{
    my $to = "$TOP/online";
    my $copy = start_and_stop($to, '--quiet', '--online');
    my %new = ('blob/sha256:00' => 'new', 'catalog/r00!' => '',
        'repo/r00/_tag/v1' => 'new', 'repo/r0/_tag/v0' => 'changed');
    set_fact($from, $_, $new{$_}) for keys %new;
    my ($deleted) = grep { m{^repo/r1/_tag/} } sort keys %$facts;
    unlink "$from/index/$deleted";
    my ($status, $said) = continue_copy($copy, $to);
    is($status, 0, 'with --online, the source may change') or diag($said);
    is_deeply(facts_of($to), facts_of($from), 'and the copy is complete');
    unlink "$from/index/$_" for keys %new;
    set_fact($from, $deleted, $facts->{$deleted});
}

# ---- a full disk

SKIP: {
    skip 'mounting needs root', 1 if $>;
    mkdir "$TOP/small";
    system("mount -t tmpfs -o size=64m,nr_inodes=3000 tmpfs $TOP/small") == 0
        or skip 'tmpfs cannot be mounted', 1;
    $mounted = "$TOP/small";
    subtest 'a full disk' => sub {
        my $to = "$mounted/to";
        for my $round (1, 2) {
            my $run = ociadmin('copy', "fs $from", "fs $to");
            is($run->{status}, 1, 'a full disk');
            like($run->{err}, qr{\Aociadmin:\ cannot\ write\ \Q$to\E/index/.*:
                \ No\ space\ left\ on\ device;\ run\ the\ same\ command
                \ again\ to\ continue\n\z}x, 'is reported');
            ok(length mark_of($to), 'the mark holds a key');
        }
        system "mount -o remount,nr_inodes=50000 $mounted";
        finishes($to, 'with space');
    };
    system "umount -l $mounted";
    $mounted = undef;
}

done_testing;
