# SPDX-License-Identifier: Apache-2.0

# ociadmin check-store: what it says of stores that can be used, and of others,
# and that it leaves nothing behind.

use OCI::Test;

use File::Find ();
use File::Temp ();
use JSON::PP ();
use OCI::Admin;
use OCI::S3;

# Some commands end as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';
my @LOCAL = qw(settings reach list write read delete);

# One test: the status, and what is said of each check: "ok", or a pattern.
sub says {
    my ($words, $status, $wanted, $name) = @_;
    my $run = ociadmin('check-store', @$words);
    my %said = $run->{out} =~ /^(\w+): (.*)$/mg;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @wrong = grep { ($said{$_} // '') !~ $wanted->{$_} } sort keys %$wanted;
    ok($run->{status} == $status && !@wrong && $run->{err} eq '', $name)
        or diag("@wrong: status $run->{status}\n$run->{out}$run->{err}");
    return [ $run->{out} =~ /^(\w+): /mg ];
}

# All files below a directory.
sub files_of {
    my @files;
    File::Find::find({ no_chdir => 1, wanted => sub { push @files, $_ if -f } },
        $_[0]);
    return [ sort @files ];
}

# ---- a directory

my $server = used_server(config => '');
OCI::Client->new($server)->push_image('a', 'v1');
my $store = 'fs ' . $server->store;
my $before = files_of($server->store);
is_deeply(says([$store], 0, { map({ $_ => qr/\Aok\z/ } @LOCAL),
    reach => qr/\Aok; its id is [0-9a-f]{32}\z/ }, 'a store in use'), \@LOCAL,
    'what is checked of a directory');
is_deeply(files_of($server->store), $before, 'nothing is left behind');
says([ '--store', $store ], 0, { delete => qr/\Aok\z/ }, '--store');
{
    local %ENV = (%ENV, $server->environment, ASAN_OPTIONS => 'detect_leaks=0');
    says([ '--config', $server->dir . '/httpd.conf' ], 0,
        { delete => qr/\Aok\z/ }, '--config');
}
my $run = ociadmin('check-store', '--json', $store);
my @lines = map { JSON::PP::decode_json($_) } split /\n/, $run->{out};
is_deeply([ map { "$_->{check} $_->{ok}" } @lines ], [ map { "$_ 1" } @LOCAL ],
    '--json');
like($lines[1]{note}, qr/its id is/, 'a note');
my $none = $server->dir . '/none';
is_deeply(says(["fs $none"], 0, { reach => qr/does not exist yet: httpd creat/ },
    'a directory that does not exist yet'), [qw(settings reach)],
    'is not used');
ok(!-e $none, 'and not created');
run_is(ociadmin('check-store'), 2, qr/takes a blob store/, 'no store');
run_is(ociadmin('check-store', 'fs a', 'fs b', 'fs c'), 2,
    qr/takes a blob store/, 'several stores');
run_is(ociadmin('check-store', 'unknown x'), 2,
    qr/unknown provider 'unknown'; known providers: fs, s3/, 'no provider');
$server->stop;

# ---- a bucket

if (ociadmin('check-store', 's3 s3://bucket')->{err} =~ /without libcurl/) {
    done_testing;
    exit;
}
my @BUCKET = (@LOCAL, qw(pages conditions multipart));
my %good = map { $_ => qr/\Aok\z/ } @BUCKET;
for my $name (qw(strict versitygw s3s-fs)) {
    SKIP: {
        my $s3 = OCI::S3->start($name)
            or skip(OCI::S3->missing($name), 4);
        local @ENV{qw(AWS_ENDPOINT_URL_S3 AWS_REGION AWS_ACCESS_KEY_ID
            AWS_SECRET_ACCESS_KEY)}
            = ($s3->url, $s3->region, $s3->key, $s3->secret);
        is_deeply(says(['s3 s3://registry/x'], 0, { %good,
            reach => qr/\Aok; no registry has used it yet\z/,
            $name eq 's3s-fs' ? (conditions => qr/\Aok/,
                multipart => qr/\Aok; .* give the bucket a lifecycle rule/) : ()
        }, "$name: a new bucket"), \@BUCKET, "$name: what is checked");
        my $s3_client = OCI::S3::Client->new($s3);
        is_deeply([ OCI::S3::Client::elements($s3_client->send(GET => undef,
            query => { 'list-type' => 2 }), 'Key') ], [],
            "$name: nothing is left behind");
        my @tried = $name eq 's3s-fs' ? qw(settings reach list)
            : qw(settings reach);
        is_deeply(says(['s3 s3://missing'], 1, { $tried[-1] =>
            qr/\Afailed: .*the bucket does not exist/ }, "$name: no bucket"),
            \@tried, "$name: it ends there");
    }
}

my $s3 = OCI::S3->start('strict');
@ENV{qw(AWS_ENDPOINT_URL_S3 AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY)}
    = ($s3->url, $s3->region, $s3->key, $s3->secret);
like(ociadmin('check-store', 's3 s3://registry/x')->{out},
    qr{\As3://registry/x: the bucket registry at \S+/registry, region us-east-1},
    'it says which store it is');

# A failure of one check, which the others do not share.
for my $case (
    [ list => qr/allow s3:ListBucket\z/, { method => 'GET',
        query => 'list-type=2' } ],
    [ list => qr/s3:ListBucketMultipartUploads\z/, { method => 'GET',
        query => 'uploads=' } ],
    [ write => qr/allow s3:PutObject\z/, { method => 'PUT', key => 'blobs/' } ],
    [ read => qr/credentials/, { method => 'HEAD', key => 'blobs/' } ],
    [ read => qr/allow s3:GetObject\z/, { method => 'GET', key => 'blobs/' } ],
    [ delete => qr/delete the blob blobs.* allow s3:DeleteObject\z/,
        { method => 'DELETE', key => 'blobs/' } ],
    [ multipart => qr/allow s3:PutObject\z/, { method => 'POST',
        key => 'check/' } ],
    [ multipart => qr/allow s3:AbortMultipartUpload\z/, { method => 'DELETE',
        query => 'uploadId=' } ],
) {
    my ($check, $sentence, $fault) = @$case;
    $s3->faults({ %$fault, fault => 'denied', count => 1000 });
    my %wanted = %good;
    delete @wanted{qw(reach multipart)};
    delete @wanted{qw(read delete)} if $check eq 'write';
    delete $wanted{delete} if $sentence =~ /credentials/;
    %wanted = () if $check eq 'list';
    says(['s3 s3://registry/x'], 1, { %wanted,
        $check => qr/\Afailed: cannot .*$sentence/ },
        "$check fails: $sentence");
    $s3->faults;
}

$s3->faults({ fault => 'ignore', parameter => 'start-after',
    query => 'start-after=', count => 1000 });
says(['s3 s3://registry/x'], 1, { %good, reach => qr/\Aok/,
    pages => qr/\Afailed: cannot .* the server ignores start-after/ },
    'a server that ignores start-after');
$s3->faults;

# What is wrong with the settings, each in one sentence.
for my $case (
    [ { AWS_REGION => 'eu-north-1' }, qr/is in the region 'us-east-1', not in/ ],
    [ { AWS_SECRET_ACCESS_KEY => 'x' }, qr/the secret key does not belong to/ ],
    [ { AWS_ACCESS_KEY_ID => 'x' }, qr/access key|key/ ],
) {
    my ($env, $sentence) = @$case;
    local %ENV = (%ENV, %$env);
    says(['s3 s3://registry/x'], 1, { reach => qr/\Afailed: .*$sentence/ },
        $sentence);
}
$s3->clock(-10_000);
says(['s3 s3://registry/x'], 1, { reach => qr/clock of this host is 1\d+ seconds/ },
    'a wrong clock');
$s3->clock(0);
says(['s3 s3://Bucket'], 1, { settings => qr/\Afailed: 'Bucket' is not a valid/ },
    'a name that cannot be');
{
    local $ENV{AWS_ENDPOINT_URL_S3} = 'not a URL';
    says(['s3 s3://registry'], 1, { settings => qr/\Afailed: .*not a URL/ },
        'settings that cannot be');
}
# Root reads the credentials as httpd's User.
SKIP: {
    skip 'only root can become another user', 2 if $>;
    my $server = OCI::Server->start(blobs => 's3:strict', s3 => $s3);
    my $file = $server->dir . '/credentials';
    my @config = ('--config', $server->dir . '/httpd.conf');
    local %ENV = (%ENV, $server->environment, ASAN_OPTIONS => 'detect_leaks=0');
    chmod 0600, $file;
    says(\@config, 1, { reach => qr/\Afailed: .*\Q$file\E cannot be read: Perm/ },
        'credentials that only root can read');
    give_to_httpd($file);
    says(\@config, 0, { delete => qr/\Aok\z/ }, 'credentials of the User');
    $server->stop;
}
run_is(ociadmin('check-store', 's3 /tmp'), 2, qr/not the location of a bucket: expected s3/,
    'a location that is none');

done_testing;
