# SPDX-License-Identifier: Apache-2.0

# ociadmin check: it mends nothing that may be right, ends with any keys in the
# index, and writes nothing that a terminal would act on.

use OCI::Test;

use File::Path qw(make_path remove_tree);
use File::Temp ();
use JSON::PP ();
use OCI::Admin;
use OCI::Process;

# The command ends as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $base = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$base";
my $server = OCI::Server->start(index => 'fs');
my $image = OCI::Client->new($server)->push_image('a', 'v1');
my $layer = $image->{document}{layers}[0]{digest};
$server->stop_quietly;
my $copy = "$base/copy";    # the store that is damaged
my $file = "$copy/blobs/sha256/" . substr($layer, 7, 2) . '/'
    . substr $layer, 7;    # the bytes of the layer

# Make the copy anew, and damage it.
sub damage {
    my $plant = shift;
    remove_tree($copy);
    system('cp', '-a', $server->store, $copy) == 0 or die;
    $plant->();
    return give_to_httpd($copy);
}

# Run check.  It is killed, and the test fails, if it does not end.
sub examine {
    my @words = ('check', '--quiet', @_, "fs $copy");
    my $process = OCI::Process->start(command => [ tool(), @words ],
        output => "$base/out");
    $process->wait_for(sub { 0 }, 60);
    my $ended = !$process->alive;
    $process->stop if !$ended;
    my $out = OCI::Server::slurp("$base/out");
    unlink "$base/out";
    return $ended ? $out : "it did not end\n" . substr $out, 0, 1000;
}

# The names of what is found.
sub names {
    return join ' ', sort map { $_->{finding} // () }
        map { JSON::PP::decode_json($_) } split /\n/, examine('--json', @_);
}

my $FOUND = 'bytes-unreadable content-missing tag-broken';
my $RECORD = "blob/$layer";

for my $case (
    [ 'a record' => sub { },
        qr/^$layer: \S+ is there, but cannot be read \(a blob of a\); /m ],
    [ 'a wrong record' => sub { set_fact($copy, $RECORD, 'x') },
        qr/^$layer: its record .* parsed, and \S+ cannot be read \(/m ],
    [ 'no record' => sub { unlink "$copy/index/$RECORD" or die },
        qr/^$layer: the bytes .* have no record, but the blob is held \(/m ],
) {
    my ($name, $plant, $line) = @$case;
    subtest "bytes that cannot be read, with $name" => sub {
        damage($plant);
        chmod 0, $file or die;
        my $before = facts_of($copy);
        is(names('--repair', '--digests'), $FOUND, 'they are found');
        is_deeply(facts_of($copy), $before, 'and nothing is mended');
        my $text = examine();
        like($text, $line, 'a line says so');
        like($text, qr/^$layer: .*; change the permissions so that /m,
            'and what helps');
        chmod 0640, $file or die;
        examine('--repair');
        is(names('--digests'), '', 'then the blob is whole');
    };
}

# The bytes are right.  Something touches the file between the moment in which
# they are read, and the one in which the record is mended.
for my $case (
    [ 'a wrong record' => sub { set_fact($copy, $RECORD, 'x') } ],
    [ 'no record' => sub { unlink "$copy/index/$RECORD" or die } ],
) {
    my ($name, $plant) = @$case;
    subtest "bytes that change, with $name" => sub {
        damage($plant);
        my $toucher = OCI::Process->start(output => "$base/touched",
            command => [ $^X, '-MTime::HiRes=time,utime', '-e',
            '$| = print 1; utime time, time, $ARGV[0] while -e $ARGV[0]',
            $file ]);
        $toucher->wait_for(sub { -s "$base/touched" });
        examine('--repair');
        $toucher->stop;
        unlink "$base/touched";
        ok(-e $file, 'they are not deleted');
        ok(exists facts_of($copy)->{"repo/a/_blob/$layer"},
            'the blob is still held');
        examine('--repair');
        is(names('--digests'), '', 'the next repair mends the record');
    };
}

# Keys that no registry has, each with the finding.
my $LONG = join '/', ('n' x 240) x 5;
for my $case (
    [ 'after all other keys of a list' => map { "$_\xff\xffx" }
        qw(blob/ catalog/ repo/ upload/) ],
    [ 'behind a list' => qw(blob0 catalog0 repo0/x) ],
    [ 'that are long' => map { "new/$LONG/$_" } 1 .. 3 ],
    [ 'that are long, in a list' => map { "review/$LONG/$_" } 1 .. 600 ],
) {
    my ($name, @keys) = @$case;
    subtest "keys $name" => sub {
        damage(sub { set_fact($copy, $_, 'x') for @keys });
        is(names(), join(' ', ('key-foreign') x @keys), 'each is found once');
    };
}

subtest 'what a terminal would act on' => sub {
    my $key = "catalog/\e]0;x\a\n\xc2\x9b1m\x7f";
    damage(sub {
        set_fact($copy, $key, 'x');
        my $fact = "repo/a/_manifest/$image->{digest}";
        set_fact($copy, $fact, facts_of($copy)->{$fact}
            =~ s{\A[^\t\n]*}{text/\e[1m}r) });
    my $text = examine();
    like($text, qr{^catalog/\\x1b\]0;x\\x07\\x0a\\u\{9b\}1m\\x7f: }m,
        'a key is escaped');
    like($text, qr/ 'text\/\\x1b\[1m' instead of /, 'and a media type');
    my $json = examine('--json');
    unlike($text . $json, qr/[^\n -~]/, 'nothing else is written');
    my ($finding) = grep { $_->{key} }
        map { JSON::PP::decode_json($_) } split /\n/, $json;
    is($finding->{key}, "catalog/\e]0;x\a\n\x{9b}1m\x7f", 'nor as JSON');
};

done_testing;
