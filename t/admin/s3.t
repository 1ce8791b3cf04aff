# SPDX-License-Identifier: Apache-2.0

# ociadmin on a registry whose blobs are in a bucket.  The directives of the
# bucket come from the configuration.

use OCI::Test;

use File::Temp ();
use JSON::PP ();
use OCI::Admin;
use OCI::S3;

# Some commands end as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';
delete @ENV{ grep { /^AWS_/ } keys %ENV };

my $module = OCI::Server::build_of(OCI::Server->sanitized)
    . '/.libs/mod_oci_s3.so';
plan(skip_all => 'mod_oci_s3 is not built: there is no libcurl')
    if !-e $module;

# A registry with its blobs on an S3 server.
sub registry {
    my $s3 = shift;
    my $server = OCI::Server->start(location => '');
    $server->halt;
    OCI::Server::spew($server->dir . '/s3.keys', "[default]\n"
        . 'aws_access_key_id = ' . $s3->key . "\n"
        . 'aws_secret_access_key = ' . $s3->secret . "\n");
    give_to_httpd($server->dir . '/s3.keys');
    $server->set(location => undef, extra => join("\n",
        "LoadModule oci_s3_module $module", 'ServerRoot @DIR@',
        'OCIS3Endpoint ' . $s3->url,
        'OCIS3Region ' . $s3->region, 'OCIS3Credentials file s3.keys',
        'OCIS3PartSize 5242880'),
        config => "OCIBlobStore s3 s3://registry/p\nOCIIndex fs \@STORE\@\n"
            . 'OCIRedirect Off');
    $server->again;
    return $server;
}

# Run a command with the configuration of a server; the report is in report.
sub run {
    my ($server, @words) = @_;
    local %ENV = (%ENV, $server->environment, ASAN_OPTIONS => 'detect_leaks=0');
    my $run = ociadmin(@words, '--config', $server->dir . '/httpd.conf');
    my @lines = map { eval { JSON::PP::decode_json($_) } // () }
        grep { /^\{/ } split /\n/, $run->{out};
    $run->{report} = pop @lines // {};
    $run->{lines} = \@lines;
    return $run;
}

# What check finds: the names, in order.
sub found {
    my $run = run(@_);
    return join ' ', sort map { $_->{finding} } @{ $run->{lines} };
}

for my $name (qw(strict versitygw)) {
    SKIP: {
        my $s3 = OCI::S3->start($name) or skip(OCI::S3->missing($name), 1);
        my $server = registry($s3);
        my $client = OCI::Client->new($server);
        my $s3_client = OCI::S3::Client->new($s3);
        my $objects = sub { OCI::S3::Client::elements($s3_client->send(
            GET => undef, query => { 'list-type' => 2,
                prefix => 'p/blobs/' }), 'Key') };
        my $records = sub {
            my $facts = facts_of($server->store);
            return { map { s{^blob/}{}r => $facts->{$_} =~ s/^\d+;//r }
                grep { m{^blob/} } keys %$facts };
        };

        # ---- commands that look

        my $large = random_bytes(12_000_000, $name);
        my $image = $client->push_image('a/b', 'v1', layers => [ 'small',
            $large ], config => '{"n":1}');
        my $second = $client->push_image('c', 'v1', layers => ['another']);
        like(run($server, 'ls')->{out}, qr{^a/b +1 +1 .*\nc +1 +1 }m, "$name: ls");
        like(run($server, 'show', 'a/b:v1')->{out},
            qr/\Q@{[ digest_of('small') ]}\E/, 'show');
        is(run($server, 'cat', 'a/b@' . digest_of('small'))->{out}, 'small',
            'cat: a blob');
        is(digest_of(run($server, 'cat', 'a/b@' . digest_of($large))->{out}),
            digest_of($large), 'cat: a blob of several parts');
        my $du = run($server, 'du', '--json');
        is($du->{report}{disk}{blobs}, $du->{report}{stored}{bytes},
            'du: the objects have the bytes of the blobs');
        cmp_ok($du->{report}{disk}{blobs}, '>', 12_000_000, 'all of them');
        like(run($server, 'du')->{out}, qr/^11M in the blob store, 0B in unf/m,
            'and for people');
        is(found($server, 'check', '--digests', '--json', '--quiet'), '',
            'check finds nothing');

        # ---- export, import

        my $tar = $server->dir . '/image.tar';
        run_is(run($server, 'export', '--json', '--quiet', 'a/b:v1', $tar), 0,
            qr/\A\z/, 'export', tags => 1, blobs => 3);
        run_is(run($server, 'import', '--json', '--quiet', $tar, 'new/b:v2'),
            0, qr/\A\z/, 'import of what is there', tags => 1, copied => 0);
        is($client->get('/v2/new/b/manifests/v2')->body, $image->{text},
            'is served');

        # ---- rm, gc

        run_is(run($server, 'rm', '--yes', '--recursive', $_), 0, qr/\A\z/,
            "rm $_") for qw(a/b new/b);
        run_is(run($server, 'gc', '--json', '--quiet', '--grace', 0), 0,
            qr/\A\z/, 'gc', blobs => 3, bytes => 12_000_012);
        is_deeply([ sort $objects->() ], [ sort map { "p/$_" }
            values %{ $records->() } ], 'the objects are gone');
        run_is(run($server, 'import', '--json', '--quiet', $tar, 'a/b:v1'),
            0, qr/\A\z/, 'import', tags => 1, copied => 3);
        is(digest_of($client->get('/v2/a/b/blobs/' . digest_of($large))->body),
            digest_of($large), 'the bytes are back');

        # ---- what check finds

        my $locator = $records->();
        my $key = sub { 'p/' . $locator->{ digest_of($_[0]) } };
        my @check = ('check', '--json', '--quiet');
        $s3_client->put($key->('small'), 'SMALL');
        is(found($server, @check), '', 'bytes of the right size');
        is(found($server, @check, '--digests'), 'bytes-wrong content-missing tag-broken',
            '--digests: they are wrong');
        $s3_client->put($key->('small'), 'longer');
        like(run($server, 'check', '--quiet')->{out},
            qr{s3://registry/p/blobs/\S+ has 6 bytes instead of 5 },
            'another size');
        $s3_client->delete($key->('small'));
        like(found($server, @check), qr/\bbytes-lost\b/, 'lost bytes');
        run($server, @check, '--repair');
        like(found($server, @check), qr/\Acontent-missing tag-broken\z/,
            '--repair removes the entries');
        $client->push_blob('a/b', 'small');
        is(found($server, @check, '--digests'), '', 'a push mends it');
        $s3_client->put('p/blobs/young!0123456789abcdef', 'young');
        is(found($server, @check), '', 'bytes without a record that are young');

        # ---- the strict server has a clock

        if ($name eq 'strict') {
            my $days = 2 * 86400;
            my $stray = 'p/blobs/' . '0' x 25 . '!' . '0' x 16;
            $s3->clock(-$days);
            is($s3_client->send(PUT => $stray, body => 'old',
                time => time - $days)->status, 200, 'an old object');
            $s3->clock(0);
            my $run = run($server, @check);
            my $fact = 'upload/0/' . '0' x 25;
            set_fact($server->store, $fact, 'a record');
            give_to_httpd($server->store);
            unlike(run($server, @check)->{out}, qr/unrecorded/,
                'not as long as its upload is under way');
            unlink $server->store . "/index/$fact" or die;
            is(join(' ', map { "$_->{finding} $_->{key}" } @{ $run->{lines} }),
                "bytes-unrecorded s3://" . $stray =~ s{^}{registry/}r,
                'is found');
            like(run($server, 'check', '--quiet')->{out},
                qr{\As3://registry/p/blobs/0+!0+: no record names these bytes},
                'for people');
            $s3->clock(-800);
            $s3_client->create('p/blobs/' . '1' x 24 . '0-old!' . '0' x 16);
            $s3->clock(0);
            run_is(run($server, 'gc', '--json', '--quiet',
                '--upload-expiry', 60), 0, qr/\A\z/, 'gc ends old uploads',
                uploads => 1);
            is_deeply([ $s3->uploads ], [], 'none is left');

            # What goes wrong with the server is one sentence.
            $s3->faults({ fault => 'denied', method => 'GET', count => 1000 });
            for my $command (qw(ls check gc)) {
                run_is(run($server, $command), 1,
                    qr/\Aociadmin: cannot use s3:\S+: .*do not allow it.*\n\z/,
                    "$command: no access");
            }
            $s3->faults;
        }

        # ---- without a configuration

        {
            local @ENV{qw(AWS_ENDPOINT_URL_S3 AWS_REGION AWS_ACCESS_KEY_ID
                AWS_SECRET_ACCESS_KEY)}
                = ($s3->url, $s3->region, $s3->key, $s3->secret);
            my @stores = ('--store', 's3 s3://registry/p', '--index',
                'fs ' . $server->store);
            is(ociadmin('cat', 'c@' . digest_of('another'), @stores)->{out},
                'another', 'the environment names the server');
            run_is(ociadmin('ls', '--store', 's3 s3://registry/q', '--index',
                'fs ' . $server->store), 1,
                qr/is not a blob store that a registry has used: it has no id/,
                'another prefix');
        }
        $server->stop;
    }
}

done_testing;
