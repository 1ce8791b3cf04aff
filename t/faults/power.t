# SPDX-License-Identifier: Apache-2.0

# Loss of power at every point of a long history, on a disk that keeps only what
# was synced (OCI::Power).  A registry is started on what is left.  It must
# have all that was acknowledged before, nothing may name what is missing, and
# garbage collection must leave a store without faults.
#
# OCI_POWER_ALL=1 looks at all points of all kinds of disks.  power_journal.t and
# power_plain.t run this for ext4.

use OCI::Test;

use File::Temp ();
use OCI::Admin;
use OCI::Blobs;
use OCI::Disk;
use OCI::Garbage;
use OCI::Power;
use Time::HiRes qw(sleep);

# The library cannot be loaded together with a sanitizer.
$ENV{OCI_SANITIZE} = 0;

my $INDEX = OCI::Index->new;
plan(skip_all => 'a server keeps the index') if $INDEX->database;

# How many points of each kind of disk are looked at.
my %POINTS = map { $_ => 30 } qw(strict names blobs index);
@POINTS{qw(strict names)} = (1e9) x 2 if $INDEX->name eq 'fs';
my $EXT4 = $ENV{OCI_POWER_EXT4};    # "journal", or "plain"
%POINTS = ($EXT4 => 1e9) if $EXT4;
%POINTS = map { $_ => 1e9 } keys %POINTS if $ENV{OCI_POWER_ALL};
my $BATCH = 40;    # registries that one httpd serves

my $home = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$home";
mkdir "$home/store";
give_to_httpd("$home/store");
plan(skip_all => 'files have no time of birth')
    if `stat -c %W '$home/store' 2>&1` !~ /^[1-9]/;
my $power = OCI::Power->new("$home/store", $EXT4)
    or plan(skip_all => 'gcc cannot build the library');

# ---- what was acknowledged

# Each step has begun and ended at a place in the log, and says which values it
# gave to facts.  A fact is "blob REPO DIGEST" or "manifest REPO DIGEST", with
# the value 1, 0 or "any"; "tag REPO TAG" or "referrer REPO SUBJECT", with a
# digest or 0; or "session URL", with the digest that the bytes will have.
my (@steps, %bytes);

sub step {
    my ($name, $facts, $code) = @_;
    my $begun = $power->place;
    my $result = $code->();
    push @steps, { name => $name, begun => $begun, ended => $power->place,
        facts => $facts };
    return $result;
}

# The values that each fact may have at a place, and the step that was cut.
sub allowed_at {
    my $place = shift;
    my (%allowed, $cut);
    for my $step (@steps) {
        last if $step->{begun} >= $place;
        my $is_done = $step->{ended} <= $place;
        $cut = $step->{name} if !$is_done;
        for my $fact (keys %{ $step->{facts} }) {
            my $old = $is_done ? [] : $allowed{$fact} // [0];
            $allowed{$fact} = [ @$old, $step->{facts}{$fact} ];
        }
    }
    return (\%allowed, $cut);
}

sub keep { my $bytes = shift; return $bytes{ digest_of($bytes) } = $bytes }

# ---- the history

my ($server, $client);
my %fast = (LD_PRELOAD => ($power->environment)[1]);

sub expect {
    my ($status, $res) = @_;
    $res->status == $status or die "$status was expected: " . $res->text;
    return $res;
}

sub blob_step {
    my ($repo, $bytes, $how) = @_;
    keep($bytes);
    my $digest = digest_of($bytes);
    return step("a blob in $repo, $how", { "blob $repo $digest" => 1 }, sub {
        my $path = "/v2/$repo/blobs/uploads/";
        return expect(201, $client->post("$path?digest=$digest", $bytes))
            if $how eq 'POST';
        return expect(201, $client->put(with_query($client->start_upload($repo),
            "digest=$digest"), $bytes));
    });
}

# Send a part of a body, and close the connection.
sub cut_patch {
    my ($location, $bytes) = @_;
    $client->close;    # the only child serves one connection
    my $gone = OCI::Client->new($server)->connect;
    $gone->send("PATCH $location HTTP/1.1\r\nHost: a\r\nContent-Length: "
        . 2 * length($bytes) . "\r\n\r\n$bytes");
    $gone->close;
    for (1 .. 6000) {
        my $range = $client->get($location)->header('Range') // '';
        return if $range eq '0-' . (length($bytes) - 1);
        sleep 0.02;
    }
    die "the cut body did not arrive\n";
}

sub chunked_blob {
    my ($repo, $bytes, $cut) = @_;
    keep($bytes);
    my $digest = digest_of($bytes);
    my ($third, $at) = (int(length($bytes) / 3), 0);
    my $location = step('a session', {}, sub { $client->start_upload($repo) });
    for my $part (1, 2) {
        step("part $part of a blob", { "session $location" => $digest }, sub {
            my $piece = substr $bytes, $at, $third;
            return cut_patch($location, $piece) if $cut && $part == 1;
            expect(202, $client->patch($location, $piece, 'Content-Range' =>
                "$at-" . ($at + $third - 1)));
        });
        $at += $third;
    }
    return step('the last part of a blob', { "blob $repo $digest" => 1,
        "session $location" => 'over' }, sub { expect(201, $client->put(
            with_query($location, "digest=$digest"), substr $bytes, $at)) });
}

sub manifest_step {
    my ($repo, $document, @tags) = @_;
    my $text = keep(json_text($document));
    my $digest = digest_of($text);
    my $subject = ($document->{subject} // {})->{digest};
    step("a manifest in $repo, tags @tags", { "manifest $repo $digest" => 1,
        ($subject ? ("referrer $repo $subject" => $digest) : ()),
        map { ("tag $repo $_" => $digest) } @tags }, sub {
            my $path = "/v2/$repo/manifests/" . (@tags == 1 ? $tags[0]
                : join '?', $digest, (join '&', map { "tag=$_" } @tags) || ());
            expect(201, $client->put($path, $text,
                'Content-Type' => $document->{mediaType}));
        });
    return $text;
}

sub image_step {
    my ($repo, $name, @tags) = @_;
    blob_step($repo, $_, 'PUT') for "config $name", "layer $name";
    return manifest_step($repo, image_manifest("config $name",
        ["layer $name"]), @tags);
}

sub delete_step {
    my ($path, @facts) = @_;
    return step("DELETE $path", { map { $_ => 0 } @facts },
        sub { expect(202, $client->delete("/v2/$path")) });
}

my %random = map { $_ => random_bytes(5000, $_) }
    qw(monolithic chunked resumed);

sub first_part {
    blob_step('a', '{}', 'PUT');
    blob_step('a', $random{monolithic}, 'POST');
    chunked_blob('a', $random{chunked}, 0);
    chunked_blob('a', $random{resumed}, 1);
    my $one = manifest_step('a', image_manifest('{}', [ @random{qw(monolithic
        chunked)} ]), 'v1');
    manifest_step('a', image_manifest('{}', [ @random{qw(monolithic
        chunked)} ]), 'v2', 'v3');
    my $two = manifest_step('a', image_manifest('{}', [ $random{resumed} ]),
        'v1');
    manifest_step('a', image_index([ $one, $two ]), 'all');
    manifest_step('a', image_manifest('{}', [], artifactType =>
        'application/x-sbom', subject => descriptor($one, IMAGE_MANIFEST)));
    my $digest = digest_of($random{chunked});
    step('a mount', { "blob b/c $digest" => 1 }, sub { expect(201,
        $client->post("/v2/b/c/blobs/uploads/?from=a&mount=$digest")) });
    blob_step('b/c', '{}', 'PUT');
    manifest_step('b/c', image_manifest('{}', [ $random{chunked} ]), 'x');
    delete_step('a/manifests/v3', 'tag a v3');
    return;
}

# Push what will be garbage, and delete what makes it garbage.
sub make_garbage {
    my $extra = image_step('a', 'extra', 'e1', 'e2');
    my $gone = image_step('gone/d', 'gone', 'v1');
    blob_step('a', 'unnamed', 'PUT');
    blob_step('a', 'deleted', 'PUT');
    delete_step('a/blobs/' . digest_of('deleted'),
        'blob a ' . digest_of('deleted'));
    delete_step('a/manifests/' . digest_of($extra),
        'manifest a ' . digest_of($extra), 'tag a e1', 'tag a e2');
    delete_step('gone/d/manifests/' . digest_of($gone),
        'manifest gone/d ' . digest_of($gone), 'tag gone/d v1');
    return;
}

# What collection may delete, and must not promise to have deleted.
my %garbage = ((map { ('blob a ' . digest_of($_) => 'any') } 'unnamed',
    'config extra', 'layer extra'),
    (map { ('blob gone/d ' . digest_of($_) => 'any') } 'config gone',
    'layer gone'));

sub again {
    my ($config) = @_;
    step('a restart', {}, sub {
        $client->close;
        $server->halt;
        $server->set(config => $config);
        $server->again;
    });
    return;
}

sub history {
    step('a start', {}, sub {
        $server = OCI::Server->start(mpm => 'prefork', modules => ['watchdog'],
            config => 'OCIGCInterval 0', store => "$home/store",
            env => { $power->environment }, extra => "StartServers 1\n"
            . "MinSpareServers 1\nMaxSpareServers 1\nMaxRequestWorkers 1");
        $client = OCI::Client->new($server);
    });
    first_part();
    make_garbage();
    step('ociadmin gc', \%garbage, sub {
        local %ENV = (%ENV, $power->environment);
        my $run = gc($server, '--grace', 0);
        die $run->{err} if $run->{status} || !$run->{report}{blobs};
    });
    make_garbage();
    again("OCIGCInterval 1\nOCIGCGrace 0");
    step('collection by the server', \%garbage, sub {
        for (1 .. 6000) {
            return if $server->log =~ / [1-9]\d* collected/;
            sleep 0.02;
        }
        die "the server did not collect anything\n";
    });
    again('OCIGCInterval 0');
    image_step('a', 'extra', 'e1');
    image_step('gone/d', 'gone', 'v1');
    # Enough for a merge of the index dbm.
    manifest_step('a', image_manifest('{}', [], annotations => {
        text => 'large' x 220_000 }), 'large') if $INDEX->name =~ /^dbm/;
    my $location = step('a session', {}, sub { $client->start_upload('a') });
    keep($random{monolithic});
    step('a part that stays', { "session $location" =>
        digest_of($random{monolithic}) }, sub { expect(202, $client->patch(
            $location, substr $random{monolithic}, 0, 2000)) });
    delete_step('a/manifests/v2', 'tag a v2');
    $server->allows(qr/AH00161/);
    $client->close;
    $server->stop('the history had no faults');
    return;
}

history();
is(join(' ', $power->missed), '', 'the library saw all names of the store');

# ---- what is left

# A registry on the files of a point, as OCI::Admin and OCI::Garbage want it.
package Registry {
    sub new {
        my ($class, $point, $dir) = @_;
        OCI::Power::build($point, $dir);
        return bless { %$point, store => $dir, index => $INDEX,
            blobs => OCI::Blobs->new,
            name => 'point' . $dir =~ s{.*/}{}r }, $class;
    }
    sub store { $_[0]{store} }
    sub blobs { 'fs' }

    sub section {
        my $self = shift;
        my $index = $INDEX->text =~ s/\@STORE\@/$self->{store}/r;
        return <<"CONF";
<VirtualHost *:\@PORT\@>
    ServerName $self->{name}
    $index
    OCISync Off
    OCIGCInterval 0
    <Location "/v2/">
        SetHandler   oci-registry
        Require      all granted
        OCIBlobStore fs $self->{store}
    </Location>
</VirtualHost>
CONF
    }

    # Where the point is, for messages.
    sub at {
        my $self = shift;
        return "$self->{kind}, place $self->{place}, $self->{event}, "
            . ((main::allowed_at($self->{place}))[1] // 'between two steps');
    }
}

# The value of a fact, as a reader sees it.
sub look {
    my ($client, $fact) = @_;
    my ($kind, $repo, $name) = split / /, $fact;
    my $what = $kind eq 'tag' ? 'manifests' : "${kind}s";
    my $res = $client->get("/v2/$repo/$what/$name");
    return 0 if $res->status == 404;
    if ($kind eq 'referrer' && $res->status == 200) {
        my @found = map { $_->{digest} } @{ $res->json->{manifests} };
        return @found ? "@found" : 0;
    }
    my $digest = $kind eq 'tag' ? $res->header('Docker-Content-Digest') : $name;
    return $res->status . ' ' . substr $res->body, 0, 200
        if $res->status != 200 || digest_of($res->body) ne $digest;
    return $kind eq 'tag' ? $digest : 1;
}

# Values that are not allowed.
sub lost {
    my ($client, $allowed) = @_;
    my @faults;
    for my $fact (grep { !/^session/ } sort keys %$allowed) {
        my $found = look($client, $fact);
        my @right = map { $_ eq 'any' ? (0, 1) : $_ } @{ $allowed->{$fact} };
        push @faults, "$fact: $found instead of @right"
            if !grep { $_ eq $found } @right;
    }
    return @faults;
}

# A session is over, or goes on where its bytes end.
sub sessions {
    my ($client, $allowed) = @_;
    my @faults;
    for my $fact (grep { /^session/ } sort keys %$allowed) {
        my ($location) = $fact =~ m{(/v2/.+)};
        my ($digest) = grep { /:/ } @{ $allowed->{$fact} } or next;
        my $res = $client->get($location);
        next if $res->status == 404;
        my ($end) = ($res->header('Range') // '') =~ /\A0-(\d+)\z/;
        my $offset = $end ? $end + 1 : 0;
        my $put = $client->put(with_query($location, "digest=$digest"),
            substr($bytes{$digest}, $offset));
        push @faults, "$fact at $offset: " . $put->text
            if $put->status != 404 && ($put->status != 201 || look($client,
                "blob a $digest") ne 1);
    }
    return @faults;
}

# Facts that name what is missing.  gc() has not run yet.
sub dangling {
    my $registry = shift;
    my $facts = eval { OCI::Garbage::facts($registry) };
    return $@ =~ /it is empty\n/ ? () : $@ if !$facts;
    my @faults;
    for my $key (sort keys %$facts) {
        my $value = $facts->{$key};
        my @named;
        if ($key =~ m{^blob/((\w+):(..)(.*))}) {
            my ($digest, $path) = ($1, "blobs/$2/$3/$3$4");
            my $bytes = OCI::Server::slurp($registry->store . "/$path");
            push @faults, "$key: its bytes are wrong"
                if $value ne length($bytes) . ";$path"
                || digest_of($bytes, $2) ne $digest;
        }
        elsif ($key =~ m{^(repo/.+)/_(\w+)/(.+)\z}) {
            my ($repo, $kind, $name) = ($1, $2, $3);
            @named = $kind eq 'blob' ? "blob/$name"
                : $kind eq 'tag' ? "$repo/_manifest/" . $value =~ s/;.*//r
                : $kind eq 'referrer' ? "$repo/_manifest/" . $name =~ s{.*/}{}r
                : $kind eq 'manifest' ? children($repo, $value) : ();
        }
        push @faults, map { "$key names $_, which is missing" }
            grep { !exists $facts->{$_} } @named;
    }
    return @faults;
}

my %document;    # of a manifest's record

sub children {
    my ($repo, $value) = @_;
    my $document = $document{$value} //=
        JSON::PP::decode_json($value =~ s/\A[^\n]*\n//r);
    return ((map { "$repo/_blob/$_->{digest}" } $document->{config} // (),
        @{ $document->{layers} // [] }),
        map { "$repo/_manifest/$_->{digest}" }
        @{ $document->{manifests} // [] });
}

# What is wrong after a collection of all garbage.
sub collected {
    my $registry = shift;
    my $run = gc($registry, '--grace', 0);
    return ("gc: status $run->{status}: $run->{err}")
        if $run->{status} || length $run->{err};
    return grep { !/a file that is not a blob's: \.version\.\d+\z/ }
        store_faults($registry);
}

# What is wrong with a registry.  A check that dies has found a fault, too.
sub registry_faults {
    my ($registry, $server) = @_;
    my $client = OCI::Client->new($server,
        headers => [ Host => $registry->{name} ]);
    my ($allowed) = allowed_at($registry->{place});
    my %kept = map { $_ => $allowed->{$_} }
        grep { !/^(?:blob|session)/ } keys %$allowed;
    my @faults;
    for my $check (
        sub { dangling($registry) },
        sub { lost($client, $allowed) },
        sub { sessions($client, $allowed) },
        sub {
            my $image = $client->push_image('a', 'after');
            $kept{'tag a after'} = [ $image->{digest} ];
            return;
        },
        sub { collected($registry) },
        sub { dangling($registry) },
        sub { lost($client, \%kept) },
    ) {
        push @faults, eval { $check->() };
        push @faults, $@ if $@;
    }
    $client->close;
    return map { $registry->at . ": $_" } @faults;
}

# An httpd that serves these registries, without those on which it does not
# start: they are faults.
sub serve {
    my ($faults, @registries) = @_;
    while (@registries) {
        my $server = eval { OCI::Server->start(index => 'fs',
            location => 'Require all granted',
            after => join '', map { $_->section } @registries) };
        return ($server, @registries) if $server;
        my $log = $@;
        my ($refused) = grep { $log =~ m{\Q$_->{store}\E\b} } @registries
            or die join "\n", $log, map { $_->at } @registries;
        push @$faults, $refused->at . ": $log";
        @registries = grep { $_ != $refused } @registries;
    }
    return;
}

# For speed; root may make stores there, as in /tmp.
my $disk = small_disk('tmpfs', 'size=1g');
chown 0, 0, $disk and chmod 01777, $disk if $disk;
my $count = 0;

# Tests: the registries at some points.
sub batch {
    my ($name, @points) = @_;
    local %ENV = (%ENV, %fast, $disk ? (TMPDIR => $disk) : ());
    my $dir = File::Temp->newdir(TMPDIR => 1);
    chmod 0755, "$dir";
    my @faults;
    my @registries = map { Registry->new($_, "$dir/" . ++$count) } @points;
    give_to_httpd($dir);
    my ($server, @served) = serve(\@faults, @registries);
    push @faults, map { registry_faults($_, $server) } @served;
    is(join("\n", @faults), '', $name);
    return if !$server;
    # The record of an upload may outlive its bytes.
    $server->allows(qr/upload \S+ in \S+ had fewer bytes than/);
    $server->stop("$name: httpd had no faults");
    system 'rm', '-rf', "$dir";
    return;
}

for my $kind (sort keys %POINTS) {
    my @points = $power->points($kind);
    my $step = @points > $POINTS{$kind} ? @points / $POINTS{$kind} : 1;
    @points = @points[ map { int($step * $_) } 0 .. @points / $step - 1 ];
    while (my @some = splice @points, 0, $BATCH) {
        batch("$kind: " . @some . " points from $some[0]{place} to "
            . $some[-1]{place}, @some);
    }
}
done_testing;
