# SPDX-License-Identifier: Apache-2.0

# Garbage collection in the server: when it runs, when it does not, and what a
# reload or a stop during a run does.  t/store/gc.t has what is collected.

use OCI::Test;

use OCI::Admin;
use Time::HiRes qw(sleep time);

# Wait until a condition holds.
sub wait_until {
    my $condition = shift;
    my $end = time + 120;
    sleep 0.05 until $condition->() || time > $end;
    return $condition->();
}

# The lines of the log on the garbage collection of a blob store.
sub lines {
    my ($server, $store) = @_;
    return grep { /oci: garbage collection of \Q$store\E: / }
        split /\n/, $server->log;
}

sub line_like {
    my ($server, $store, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(wait_until(sub { grep { $_ =~ $pattern } lines($server, $store) }), $name)
        or diag(lines($server, $store));
    return;
}

sub has_file {
    my ($store, $digest) = @_;
    my ($algorithm, $hex) = split /:/, $digest;
    return -e "$store/blobs/$algorithm/" . substr($hex, 0, 2) . "/$hex";
}

# ---- which registries are collected

# A blob that nothing names is pushed to each of these registries.  What is not
# to be collected is looked at after the first one was.
my %registry = (
    yes     => 'OCIGCInterval 1',
    never   => 'OCIGCInterval 0',
    later   => '',
    reading => 'OCIGCInterval 1',
    twice   => "OCIGCInterval 1\nOCIIndex fs \@DIR\@/twice.index",
    again   => "OCIGCInterval 1\nOCIIndex fs \@DIR\@/again.index",
);
my @names = sort keys %registry;
my %port = map { $names[$_] => $_ + 2 } 0 .. $#names;

# The configuration, with more lines for some of the registries.
sub registries {
    my %more = @_;
    return join '', map { <<"CONF" } @names;
<VirtualHost *:\@PORT$port{$_}\@>
    <Location "/v2/">
        SetHandler   oci-registry
        Require      all granted
        OCIBlobStore fs \@DIR\@/@{[ $_ eq 'again' ? 'twice' : $_ ]}
        OCIGCGrace   1
        $registry{$_}
        @{[ $more{$_} // '' ]}
    </Location>
</VirtualHost>
CONF
}

for my $mpm (qw(event worker prefork)) {
    my $server = OCI::Server->start(mpm => $mpm, ports => @names + 1,
        location => 'Require all granted',
        after => registries(reading => 'OCIGCGrace 3600'));
    $server->expects(qr/the blob store \S+twice has the index/);
    # Both indexes know the blob store, as an index and its copy do: httpd would
    # not serve an empty one beside the store of the other.
    my $id = 'a' x 32;
    make_blobs($server->dir . '/twice', $id);
    for my $index (map { $server->dir . "/$_.index" } qw(twice again)) {
        set_fact($index, 'store', $id);
        give_to_httpd($index);
    }
    my %client = map {
        $_ => OCI::Client->new($server->host($port{$_}))
    } @names;
    status_is($client{$_}->get('/v2/'), 200, "$mpm, $_: an empty registry")
        for @names;
    my %digest = map { $_ => $client{$_}->push_blob('r', $_) } @names;
    $server->set(after => registries(reading => 'OCIReadOnly On'));
    $server->graceful;
    my %store = map { $_ => $server->dir . "/$_" } @names;
    $store{again} = $store{twice};

    line_like($server, $store{yes}, qr/oci:notice\].*:\ 1\ repositories\ reviewed,
        \ 0\ tags\ and\ 0\ manifests\ deleted\ by\ rules,
        \ 1\ blobs\ condemned,\ 0\ collected,\ 0\ uploads\ ended,\ 0\ bytes
        \ freed,\ \d+\.\d\ s$/x, "$mpm: a blob is condemned");
    line_like($server, $store{yes}, qr/oci:notice\].*0\ blobs\ condemned,
        \ 1\ collected,\ 0\ uploads\ ended,\ 3\ bytes\ freed/x,
        "$mpm: and collected");
    line_like($server, $store{yes}, qr/oci:info\].*:\ \d+\ repositories\ reviewed,
        .*\ 0\ blobs\ condemned,\ 0\ collected,/x,
        "$mpm: a run that did nothing is logged at info");
    error_is($client{yes}->get("/v2/r/blobs/$digest{yes}"), 404, 'BLOB_UNKNOWN',
        undef, "$mpm: it is gone");
    ok(!has_file($store{yes}, $digest{yes}), "$mpm: its bytes, too");
    for my $name (grep { $_ ne 'yes' && $_ ne 'reading' } @names) {
        is(join("\n", lines($server, $store{$name})), '', "$mpm, $name: no run");
        is($client{$name}->get("/v2/r/blobs/$digest{$name}")->body, $name,
            "$mpm, $name: the blob is there");
    }

    # It may have been condemned before the reload.
    is(scalar(grep { / [1-9]\d* collected/ } lines($server, $store{reading})), 0,
        "$mpm, reading: nothing is collected");
    is($client{reading}->get("/v2/r/blobs/$digest{reading}")->body, 'reading',
        "$mpm, reading: the blob is there");
    my $runs = lines($server, $store{reading});
    my $others = lines($server, $store{yes});
    wait_until(sub { lines($server, $store{yes}) > $others + 1 });
    is(scalar(lines($server, $store{reading})), $runs,
        "$mpm, reading: no run after the reload");
    $server->stop("$mpm: no faults");
}

# ---- one blob store in several sections

{
    my $section = sub {
        my ($port, $name, $lines) = @_;
        return <<"CONF";
<VirtualHost *:\@PORT$port\@>
    <Location "/v2/">
        SetHandler   oci-registry
        Require      all granted
        OCIBlobStore fs \@DIR\@/$name
        $lines
    </Location>
</VirtualHost>
CONF
    };
    my $run = "OCIGCInterval 1\nOCIGCGrace 0";

    # Three doors, and a store that has two names and two indexes.
    my $server = OCI::Server->start(ports => 6, location => '',
        after => join '', $section->(2, 'doors', "OCIReadOnly On\n$run"),
            $section->(3, 'doors', $run),
            $section->(6, 'doors', "OCIGCGrace 0\nOCIRetain **"),
            $section->(4, 'named', $run),
            $section->(5, 'alias', "OCIIndex fs \@DIR\@/facts\n$run"));
    $server->halt;
    my $dir = $server->dir;
    system 'rm', '-rf', "$dir/alias", "$dir/named";
    mkdir "$dir/named" or die "$dir/named: $!\n";
    give_to_httpd("$dir/named");
    symlink 'named', "$dir/alias" or die "$dir/alias: $!\n";
    $server->expects(qr/the blob store \S+ has the index/);
    $server->expects(qr{OCIRetain or OCIUntagged has no effect here});
    $server->again;
    my @client = map { OCI::Client->new($server->host($_)) } 0, 3 .. 5;
    status_is($client[2]->get('/v2/'), 200, 'the first of two indexes');
    $server->expects(qr{the blob store $dir/alias belongs to another index});
    error_is($client[3]->get('/v2/'), 503, 'UNAVAILABLE');
    my @digests = map { $_->push_blob('r', 'garbage') } @client[ 1, 2 ];
    line_like($server, "$dir/doors", qr/ 1 collected/,
        'a section that is not read-only counts');
    is($client[$_]->get("/v2/r/blobs/$digests[0]")->body, 'garbage',
        'two names of a store with two indexes: not collected') for 2;
    is(join("\n", lines($server, "$dir/named"), lines($server, "$dir/alias")),
        '', 'no run there');
    $server->stop;
}

# ---- uploads

{
    my $server = OCI::Server->start(config =>
        "OCIGCInterval 1\nOCIUploadExpiry 3600");
    my $client = OCI::Client->new($server);
    my ($old, $new) = map {
        my $location = $client->start_upload('r');
        status_is($client->patch($location, $_), 202);
        $location;
    } 'old', 'newer';
    my ($file) = map { $server->store . "/uploads/$_" } $old =~ m{([^/]+)\z};
    utime time - 4000, time - 4000, $file or die "$file: $!\n";
    line_like($server, $server->store, qr/ 1 uploads ended, 3 bytes freed/,
        'an idle upload ends');
    error_is($client->patch($old, 'more'), 404, 'BLOB_UPLOAD_UNKNOWN');
    status_is($client->patch($new, 'more'), 202, 'another one goes on');
    $server->stop;
}

# ---- what is skipped

{
    my $server = OCI::Server->start(config => 'OCIGCInterval 0');
    my $client = OCI::Client->new($server);
    my $store = $server->store;
    for my $n (1 .. 12) {
        my $image = $client->push_image("damaged/$n", 'v1');
        my $path = "$store/index/repo/damaged/$n/_manifest/$image->{digest}";
        truncate $path, (-s $path) - 1 or die "$path: $!\n";
    }
    $server->set(config => "OCIGCInterval 1\nOCIGCGrace 0");
    $server->graceful;
    $server->expects(qr{oci:warn\].*: garbage collection skips: .*damaged/},
        my $more = qr/oci:warn\].*\Q$store\E: 2 more skipped; LogLevel oci:debug sh/);
    ok(wait_until(sub { $server->log =~ $more }), 'a run that skips much');
    my ($run) = grep { /$more/ } split /(?<=shows all\n)/, $server->log;
    is(scalar(() = $run =~ /garbage collection skips: .*damaged/g), 10,
        'has ten lines at most');
    $server->stop;
}

# ---- reloads and stops during a run

# Add this many repositories to a server's index, so that a run takes some time.
sub grow {
    my ($dir, $count) = @_;
    for my $n (1 .. $count) {
        my $digest = digest_of("grown $n");
        set_fact($dir, "catalog/grown/r$n!", '');
        set_fact($dir, "review/grown/r$n!", '');
        set_fact($dir, "repo/grown/r$n/_blob/$digest", ';1');
        set_fact($dir, "blob/$digest", '1;blobs/none');
    }
    give_to_httpd($dir);
    return;
}

# The number of entries that are left of them.
sub grown {
    my @left = glob "$_[0]/index/catalog/grown/* $_[0]/index/orphan/*";
    return scalar @left;
}

for my $mpm (qw(event prefork)) {
    my $server = OCI::Server->start(mpm => $mpm,
        config => "OCIGCInterval 0\nOCISync Off");
    my $store = $server->store;
    my $state = "$store/index/gc";
    OCI::Client->new($server)->push_image('kept', 'v1');
    $server->set(config => "OCIGCInterval 1\nOCIGCGrace 0\nOCISync Off");
    for my $how (qw(graceful halt)) {
        # A run may end before this process sees it.
        my $running;
        for (1 .. 10) {
            $server->halt;
            grow($store, 1000);
            $server->again;
            wait_until(sub {
                $running = OCI::Server::fact($state) =~ /;running/;
                return $running || !grown($store);
            });
            last if $running;
        }
        ok($running, "$mpm, $how: a run is under way");
        $server->$how;
        note(grown($store) . ' entries are left');
        $server->again if $how eq 'halt';
        ok(wait_until(sub { !grown($store) && OCI::Server::fact($state) =~ /^\d+;\d+\z/ }),
            "$mpm, $how: a later run finishes it");
    }
    is(OCI::Client->new($server)->get('/v2/kept/manifests/v1')->status, 200,
        "$mpm: what is needed is there");
    $server->stop("$mpm: no faults");
}

done_testing;
