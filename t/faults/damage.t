# SPDX-License-Identifier: Apache-2.0

# Content that was damaged or lost on the disk is never served as valid content.
# The log names it, and a new push restores it.  Foreign files in a store's
# directories do no harm.  The tests that damage facts run with the index fs
# only, because they use its on-disk form.

use OCI::Test;

use File::Path qw(make_path remove_tree);
use OCI::Admin;

my $server = OCI::Server->start(config => 'OCISync Off');
my $client = OCI::Client->new($server);
my $store = $server->store;
my $facts = $server->index eq 'fs';

sub blob_file {
    my ($algorithm, $hex) = $_[0] =~ /\A(\w+):((..).+)\z/;
    return sprintf '%s/blobs/%s/%s/%s', $store, $algorithm, substr($hex, 0, 2),
        $hex;
}

sub write_file {
    my ($path, $bytes) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    print $file $bytes;
    close $file or die "$path: $!\n";
    chmod 0666, $path;
    return;
}

# The log lines that name a path and are written while this code runs.
sub lines_about {
    my ($path, $code) = @_;
    my $before = length $server->log;
    $code->();
    return grep { /\Q$path\E/ } split /\n/, substr $server->log, $before;
}

# One test: a single line of the log names the path.
sub logs {
    my ($path, $name, $code) = @_;
    my @lines = lines_about($path, $code);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(scalar @lines, 1, "$name: one line of the log names the file")
        || diag(@lines);
}

# ---- blobs

my %damage = (
    'cut short'       => sub { truncate $_[0], 70_000 or die $! },
    'unreadable'      => sub { chmod 0, $_[0] or die $! },
    'empty'           => sub { truncate $_[0], 0 or die $! },
    'too long'        => sub {
        open my $file, '>>', $_[0] or die $!;
        print $file 'more';
    },
    'removed'         => sub { unlink $_[0] or die $! },
    'removed with its directory' => sub {
        unlink $_[0] or die $!;
        rmdir $_[0] =~ s{/[^/]*\z}{}r or die $!;
    },
    'a directory'     => sub {
        unlink $_[0] or die $!;
        mkdir $_[0] or die $!;
    },
    'a dangling link' => sub {
        unlink $_[0] or die $!;
        symlink 'nowhere', $_[0] or die $!;
    },
);

$server->expects(qr{\[oci:crit\].*/blobs/sha\d+/../\w+ (?:is lost|has)});

for my $kind (sort keys %damage) {
    for my $algorithm (qw(sha256 sha512)) {
        subtest "a blob that is $kind, $algorithm" => sub {
            my $bytes = random_bytes(100_000, "$kind $algorithm");
            my $digest = $client->push_blob('damage', $bytes, $algorithm);
            my $file = blob_file($digest);
            my $path = "/v2/damage/blobs/$digest";
            ok(-f $file, 'its file exists') or return;
            $damage{$kind}->($file);

            logs($file, 'HEAD', sub {
                error_is($client->head($path), 404, 'BLOB_UNKNOWN') });
            logs($file, 'GET', sub {
                error_is($client->get($path), 404, 'BLOB_UNKNOWN') });
            for my $range ('0-9', '90000-', '-10', '0-1,5-6') {
                error_is($client->get($path, Range => "bytes=$range"), 404,
                         'BLOB_UNKNOWN', undef, "GET of $range");
            }
            for my $from ('&from=damage', '') {
                my $res = $client->post(
                    "/v2/mounted/blobs/uploads/?mount=$digest$from");
                status_is($res, 202, 'a mount is refused');
                status_is($client->delete($res->header('Location')), 204);
            }
            my $document = image_manifest('{}', []);
            $client->push_blob('damage', '{}');
            $document->{layers} = [ { digest => $digest, size => 100_000,
                                      mediaType => IMAGE_LAYER } ];
            error_is($client->put('/v2/damage/manifests/no',
                json_text($document), 'Content-Type' => IMAGE_MANIFEST), 404,
                'MANIFEST_BLOB_UNKNOWN');
            error_is($client->get('/v2/damage/manifests/no'), 404,
                     'MANIFEST_UNKNOWN');

            my $res = eval { $client->push_blob('damage', $bytes,
                                                $algorithm) };
            is($res, $digest, 'it can be pushed again') or diag($@);
            ok($client->get($path)->body eq $bytes, 'and is complete again');
            $res = $client->get($path, Range => 'bytes=90000-');
            status_is($res, 206);
            ok($res->body eq substr($bytes, 90_000), 'ranges are right, too');
            status_is($client->put('/v2/damage/manifests/yes',
                json_text($document), 'Content-Type' => IMAGE_MANIFEST), 201,
                'a manifest may name it');
        };
    }
}

subtest 'a push to one repository restores a blob in all' => sub {
    my $bytes = random_bytes(50_000, 'shared');
    my $digest = $client->push_blob($_, $bytes) for qw(one two);
    $digest = digest_of($bytes);
    my $file = blob_file($digest);
    unlink $file or die $!;
    for my $name (qw(one two)) {
        my ($line) = lines_about($file, sub {
            error_is($client->get("/v2/$name/blobs/$digest"), 404,
                     'BLOB_UNKNOWN') });
        like($line, qr{is lost or cannot be read; it is a blob of (?:one,two|two,one); push it again; .*"A damaged store" in conf/README$},
            'the log names its repositories, and the remedy');
    }
    $client->push_blob('three', $bytes);
    ok($client->get("/v2/$_/blobs/$digest")->body eq $bytes, "in $_")
        for qw(one two three);
};

subtest 'a lost blob can be deleted' => sub {
    my $digest = $client->push_blob('lost', 'lost for ever');
    unlink blob_file($digest) or die $!;
    status_is($client->delete("/v2/lost/blobs/$digest"), 202);
    error_is($client->get("/v2/lost/blobs/$digest"), 404, 'BLOB_UNKNOWN');
    ok(!grep({ $_ eq 'lost' }
        @{ $client->get('/v2/_catalog')->json->{repositories} }),
       'its repository is removed from the catalog');
};

subtest 'a file that is truncated while it is sent' => sub {
    my $bytes = random_bytes(24 << 20, 'cut');
    my $digest = $client->push_blob('cut', $bytes);
    my $pull = OCI::Client->new($server)->connect;
    $pull->send("GET /v2/cut/blobs/$digest HTTP/1.1\r\nHost: a\r\n\r\n");
    sysread($pull->socket, my $first, 100) or die 'no answer';
    truncate blob_file($digest), 1 << 20 or die $!;
    my $res = OCI::Response->new('GET');
    my $input = $first;
    my $complete;
    until ($complete = $res->parse(\$input)) {
        sysread($pull->socket, $input, 1 << 18, length $input) or last;
    }
    ok(!$complete, 'the response is incomplete');
    $server->expects(qr/response ends at byte \d+ of the blob: cannot read/);
    $client->push_blob('cut', $bytes);
    ok($client->get("/v2/cut/blobs/$digest")->body eq $bytes,
       'a new push restores it');
};

# ---- manifests

$server->expects(qr{\[oci:crit\].*/_manifest/\S+ is damaged}) if $facts;

my %spoil = (
    'cut short' => sub { truncate $_[0], (-s $_[0]) - 9 or die $! },
    'empty'     => sub { truncate $_[0], 0 or die $! },
    'altered'   => sub { write_file($_[0], IMAGE_MANIFEST . "\n{ }\n") },
    'of one line'     => sub { write_file($_[0], 'x' x 300) },
    'a link'          => sub { unlink $_[0]; symlink 'nowhere', $_[0] },
    'removed'         => sub { unlink $_[0] or die $! },
    'a directory'     => sub {
        unlink $_[0] or die $!;
        mkdir $_[0] or die $!;
    },
);

for my $kind ($facts ? sort keys %spoil : ()) {
    subtest "a manifest that is $kind" => sub {
        my $repo = 'spoilt/' . $kind =~ tr/ /-/r;
        my $image = $client->push_image($repo, 'v1',
            annotations => { kind => $kind });
        my $file = "$store/index/repo/$repo/_manifest/$image->{digest}";
        my $path = "/v2/$repo/manifests";
        ok(-f $file, 'its file exists') or return;
        $spoil{$kind}->($file);
        my $gone = $kind =~ /removed|directory/;
        for my $reference ('v1', $image->{digest}) {
            for my $method (qw(get head)) {
                my $ask = sub {
                    error_is($client->$method("$path/$reference"), 404,
                             'MANIFEST_UNKNOWN', undef,
                             "$method of $reference");
                };
                $gone ? $ask->() : logs($file, $method, $ask);
            }
        }
        my $index = json_text(image_index([ $image->{text} ]));
        error_is($client->put("$path/index", $index,
                              'Content-Type' => IMAGE_INDEX), 404,
                 'MANIFEST_BLOB_UNKNOWN', undef, 'no index may name it');
        my $res = $client->put("$path/v2", $image->{text},
                               'Content-Type' => IMAGE_MANIFEST);
        status_is($res, 201, 'it can be pushed again');
        for my $reference ('v1', 'v2', $image->{digest}) {
            is($client->get("$path/$reference")->body, $image->{text},
               "$reference is complete again");
        }
        status_is($client->put("$path/index", $index,
                               'Content-Type' => IMAGE_INDEX), 201);
        $spoil{$kind}->($file);
        status_is($client->delete("$path/v1"), 202, 'its tag can be deleted')
            if !$gone;
        my $deleted = $client->delete("$path/$image->{digest}")->status;
        is($deleted, $gone ? 404 : 202, 'it can be deleted');
        error_is($client->get("$path/$image->{digest}"), 404,
                 'MANIFEST_UNKNOWN');
    };
}

# ---- tags

my %aside = (
    'a tag that names nothing'       => 'nowhere',
    'a tag that leads out'           => '../../../../../blobs/.version',
    'a tag that leads to a path'     => '/etc/hostname',
    'a tag with too short a digest'  => 'sha256:12',
    'a tag whose manifest is absent' => 'sha256:' . '0' x 64,
);

$server->allows(qr{\[oci:\w+\].*/_tag/odd});

for my $kind ($facts ? sort keys %aside : ()) {
    subtest $kind => sub {
        my $image = $client->push_image('tags', 'good');
        my $tag = "$store/index/repo/tags/_tag/odd";
        unlink $tag;
        symlink $aside{$kind}, $tag or die $!;
        for my $method (qw(get head)) {
            my $res = $client->$method('/v2/tags/manifests/odd');
            my $status = $res->status;
            ok($status == 404 || $status == 500, "$method: $status");
            error_is($res, $status,
                $status == 404 ? 'MANIFEST_UNKNOWN' : 'UNKNOWN');
        }
        status_is($client->get('/v2/tags/manifests/good'), 200);
        status_is($client->get('/v2/tags/tags/list'), 200);
        status_is($client->put('/v2/tags/manifests/odd', $image->{text},
                               'Content-Type' => IMAGE_MANIFEST), 201,
                  'the tag can be set again');
        is($client->get('/v2/tags/manifests/odd')->body, $image->{text},
           'and names the right manifest');
        unlink $tag;
        symlink $aside{$kind}, $tag or die $!;
        status_is($client->delete('/v2/tags/manifests/odd'), 202,
                  'it can be deleted');
        is_deeply($client->get('/v2/tags/tags/list')->json->{tags}, ['good'],
                  'the other tag remains');
    };
}

# ---- foreign files

subtest 'foreign files' => sub {
    my $image = $client->push_image('foreign', 'v1');
    my $digest = $client->push_blob('foreign', 'foreign');
    my $other = 'sha256:' . 'f' x 64;
    my $repo = "$store/index/repo/foreign";
    write_file($_, "foreign\n") for "$store/README", "$store/blobs/x",
        "$store/blobs/sha256/x", "$store/uploads/x", "$store/uploads/.x",
        "$store/index/x", "$store/index/repo/.x", "$repo/.nfs0001",
        "$repo/_tag/.v1.swp", "$repo/_other", "$store/index/.tmp/x",
        blob_file($digest) . '~';
    make_path("$store/lost+found", "$store/blobs/lost+found",
        "$store/index/lost+found", "$repo/_new/x", "$store/blobs/md5/aa");
    is_deeply($client->get('/v2/foreign/tags/list')->json->{tags}, ['v1'],
              'they are not listed as tags');
    is($client->get('/v2/foreign/manifests/v1')->body, $image->{text},
       'the manifest is right');
    is($client->get("/v2/foreign/blobs/$digest")->body, 'foreign',
       'the blob is right');
    my $hidden = digest_of("hidden\n");
    my $directory = blob_file($hidden) =~ s{/[^/]*\z}{}r;
    make_path($directory);
    chmod 0777, $directory;
    write_file(blob_file($hidden), "hidden\n");
    error_is($client->get("/v2/foreign/blobs/$hidden"), 404, 'BLOB_UNKNOWN');
    my $res = $client->post("/v2/foreign/blobs/uploads/?mount=$hidden");
    status_is($res, 202, 'a file without a record is not a blob');
    $client->close;
    $server->restart;
    is($client->get('/v2/foreign/manifests/v1')->body, $image->{text},
       'nothing changes after a restart');
    is($client->push_blob('foreign', "hidden\n"), $hidden,
       'a push may replace a foreign file');
} if $facts;

# Any request ends a session whose bytes were lost.
my %lose = (
    'gone'      => sub { unlink $_[0] or die $! },
    'cut short' => sub { truncate $_[0], 5999 or die $! },
);

for my $kind (sort keys %lose) {
    subtest "a session whose file is $kind" => sub {
        my $bytes = random_bytes(10_000, 'session');
        my $digest = digest_of($bytes);
        for my $method (qw(PATCH PUT DELETE)) {
            my $location = $client->start_upload('sessions');
            my ($id) = $location =~ m{([^/?]+)(?:\?.*)?\z};
            status_is($client->patch($location, substr $bytes, 0, 6000), 202);
            $lose{$kind}->("$store/uploads/$id");
            my $res;
            my @lines = lines_about($id, sub {
                $res = $client->request($method,
                    with_query($location, "digest=$digest"), {},
                    $method eq 'DELETE' ? undef : substr $bytes, 6000) });
            if ($method eq 'DELETE') {
                ok($res->status == 204 || $res->status == 404, 'DELETE: '
                   . $res->status);
            }
            else {
                error_is($res, 404, 'BLOB_UPLOAD_UNKNOWN', undef, $method);
                is(scalar @lines, 1, "$method: one line of the log names it");
            }
            error_is($client->get($location), 404, 'BLOB_UPLOAD_UNKNOWN',
                     undef, "$method: it has ended");
            ok(!-e "$store/uploads/$id", "$method: its file is deleted");
        }
        error_is($client->get("/v2/sessions/blobs/$digest"), 404,
                 'BLOB_UNKNOWN');
    };
}
$server->expects(qr{\[oci:crit\].*upload [0-9a-f-]+ in .* had fewer bytes});

# A push was killed after the blob got its name and before the session's record
# was deleted: both are one file.  Whatever the session does, the blob does not
# change.
subtest 'a session whose file became a blob' => sub {
    my $bytes = random_bytes(500_000, 'both');
    my $digest = $client->push_blob('both', $bytes);
    my $path = "/v2/both/blobs/$digest";
    my $file = blob_file($digest);
    for my $kept (0, 200_000, 500_000) {
        for my $other (0, 1) {
            my $location = $client->start_upload('other');
            my ($id) = $location =~ m{([^/?]+)(?:\?.*)?\z};
            my $upload = "$store/uploads/$id";
            status_is($client->patch($location, substr $bytes, 0, $kept), 202);
            open my $rest, '+<', $upload or die "$upload: $!\n";
            seek $rest, $kept, 0;
            print $rest substr $bytes, $kept;
            close $rest;
            unlink $file or die $!;
            link $upload, $file or die $!;
            ok($client->get($path)->body eq $bytes, "$kept kept: the blob");

            my $more = $other ? 'something else' : substr $bytes, $kept;
            my $whole = digest_of(substr($bytes, 0, $kept) . $more);
            status_is($client->patch($location, $more), 202,
                      'the session continues');
            ok($client->get($path)->body eq $bytes, 'the blob is the same');
            status_is($client->put(with_query($location, "digest=$whole")),
                      201, 'it is finished');
            ok($client->get($path)->body eq $bytes, 'the blob is the same');
            is(digest_of($client->get("/v2/other/blobs/$whole")->body),
               $whole, 'the new blob is right');
        }
    }
};

subtest 'a session whose record is damaged' => sub {
    for my $record ('x', 'sha256;1;' . 'f' x 64, "\xff" x 999, 'md5;1;0',
                    'sha256;-5;0', 'sha256;', ';;;') {
        my $location = $client->start_upload('sessions');
        my ($id) = $location =~ m{([^/?]+)(?:\?.*)?\z};
        status_is($client->patch($location, 'x'), 202);
        my ($file) = glob "$store/index/upload/*/$id";
        ok($file, 'its record exists') or return;
        unlink $file;
        write_file($file, $record);
        logs($file, 'PATCH', sub {
            error_is($client->patch($location, 'y'), 500, 'UNKNOWN') });
        unlink $file;
    }
} if $facts;
$server->expects(qr{\[oci:error\].*/upload/\S+ is not a valid upload record})
    if $facts;

subtest 'a record of a blob that is damaged' => sub {
    my $digest = $client->push_blob('records', 'record');
    my $file = "$store/index/blob/$digest";
    ok(-e $file || -l $file, 'its record exists') or return;
    for my $record ('', 'x', '-1;x', '6', '6;../../../../etc/hostname', '6;',
                    '99999999999999999999;x') {
        unlink $file or die $!;
        write_file($file, $record);
        my $res = $client->get("/v2/records/blobs/$digest");
        ok($res->status == 500 || $res->status == 404,
           "with '$record' it is not served: " . $res->status);
        error_is($res, $res->status,
                 $res->status == 500 ? 'UNKNOWN' : 'BLOB_UNKNOWN');
        $client->push_blob('records', 'record');
        is($client->get("/v2/records/blobs/$digest")->body, 'record',
           'a new push restores it');
    }
} if $facts;
$server->expects(qr{\[oci:error\].*/blob/\S+ is not a valid blob record})
    if $facts;
$server->allows(qr{\[oci:\w+\].*(?:etc/hostname|/store/) (?:has|is lost)},
    qr{\[oci:error\].*etc/hostname});

$server->stop;

# ---- stores of another version, or of another program

subtest 'a store of a newer version' => sub {
    for my $part ('blobs', $facts ? 'index' : ()) {
        my $known = $part eq 'blobs' ? 1 : 2;
        my $old = OCI::Server->start;
        my $version = $old->store . "/$part/.version";
        my $text = OCI::Server::slurp($version);
        like($text, qr/\Amod_oci .* $known\n\z/, "$part: its version file");
        $old->stop;

        for my $new ("3\n", "10\n", "999999999999\n") {
            my $dir = File::Temp->newdir;
            make_path("$dir/store/$part");
            write_file("$dir/store/$part/.version", $text =~ s/\d\n/$new/r);
            give_to_httpd("$dir/store");
            my $said = OCI::Server->refuses(dir => "$dir");
            like($said, qr{\Q$dir/store/$part/.version\E .*newer}s,
                 "$part: version " . $new =~ s/\n//r . ' is refused');
            like($said, qr/version $known\b/, 'the message has the known version');
        }
        for my $other ('', "1\n", "something else\n", $text =~ s/\d\n/x\n/r,
                       $text =~ s/\d\n/-1\n/r, $text =~ s/\d\n/0\n/r,
                       $text =~ s/\n//r) {
            my $dir = File::Temp->newdir;
            make_path("$dir/store/$part");
            write_file("$dir/store/$part/.version", $other);
            give_to_httpd("$dir/store");
            like(OCI::Server->refuses(dir => "$dir"),
                 qr{\Q$dir/store/$part/.version\E}, "$part: '"
                 . $other =~ s/\n/\\n/r . "' is refused, with the path");
        }
    }
};

done_testing;
