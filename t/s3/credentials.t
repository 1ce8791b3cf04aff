# SPDX-License-Identifier: Apache-2.0

# Where credentials come from, and that they are renewed without a failure.

use OCI::Test;

use JSON::PP ();
use OCI::Crowd;
use OCI::S3::Registry;
use Time::HiRes qw(sleep time);

my $s3 = OCI::S3->start('strict');
my $WEB_TOKEN = 'an.identity-token';
my %none = map { $_ => '' } qw(AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
    AWS_SESSION_TOKEN AWS_PROFILE AWS_SHARED_CREDENTIALS_FILE
    AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
    AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
    AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN AWS_ENDPOINT_URL_STS
    AWS_EC2_METADATA_SERVICE_ENDPOINT AWS_EC2_METADATA_DISABLED);
my $pushed = 0;

sub serve {
    my ($source, %env) = @_;
    return OCI::Server->start(blobs => 's3:strict', s3 => $s3,
        extra => ONE_PROCESS,
        s3_settings => { OCIS3Credentials => $source, OCIS3Timeout => 2 },
        env => { %none, HOME => '/nowhere', %env }, level => 'debug');
}

# The answer to a push.
sub push_to {
    my $server = shift;
    my $bytes = 'pushed ' . ++$pushed;
    return OCI::Client->new($server)->post('/v2/a/blobs/uploads/?digest='
        . digest_of($bytes), $bytes);
}

# The access keys of the requests for objects.
sub keys_used {
    my %seen = map { $_->{access} => 1 } grep { $_->{access} } $s3->log;
    return sort keys %seen;
}

# Stop it.  The logs have no secret, although they are at level debug.
sub ends {
    my ($server, $name, @secrets) = @_;
    my $log = $server->log . OCI::Server::slurp($server->access_log);
    is(join(' ', grep { index($log, $_) >= 0 } $s3->secret, $WEB_TOKEN,
        'Signature=', 'Security-Token', @secrets), '',
        "$name: no secrets in the logs");
    $server->stop("$name: no faults");
    return;
}

# A temporary key, as the strict server hands them out.
sub temporary_key {
    $s3->credentials(container => '', lifetime => $_[0] // 3600);
    my $key = OCI::Client->new($s3)->get('/v2/credentials/x')->json;
    return { key => $key->{AccessKeyId}, secret => $key->{SecretAccessKey},
        token => $key->{Token} };
}

# ---- the environment

my @names = qw(AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY);
my $server = serve('environment', $names[0] => $s3->key,
    $names[1] => $s3->secret);
status_is(push_to($server), 201, 'environment');
ends($server, 'environment');
my $key = temporary_key();
$server = serve('environment', $names[0] => $key->{key},
    $names[1] => $key->{secret}, AWS_SESSION_TOKEN => $key->{token});
status_is(push_to($server), 201, 'environment, with a session token');
my $digest = digest_of("pushed $pushed");
my $res = OCI::Client->new($server)->get("/v2/a/blobs/$digest");
like($res->header('Location'), qr/[?&]X-Amz-Security-Token=/,
    'a redirect has the token');
my ($target) = $res->header('Location') =~ m{\Ahttp://[^/]+(/.*)};
status_is(OCI::Client->new($s3)->get($target), 200, 'and works');
ends($server, 'a session token', $key->{secret}, $key->{token});
$server = serve('environment');
$res = one_log_line($server, qr/environment has no AWS_ACCESS_KEY_ID/,
    'nothing in the environment', sub { push_to($server) });
status_is($res, 500, 'no credentials');
ends($server, 'no credentials');
$server = serve('environment', $names[0] => 'AKIA TEST', $names[1] => 'x');
$res = one_log_line($server, qr/the\ access\ key\ in\ the\ environment\ is\ not
    \ valid:\ AWS_ACCESS_KEY_ID\ has\ a\ blank\ at\ position\ 5;\ expected/x,
    'a key with a blank', sub { push_to($server) });
status_is($res, 500, 'no valid credentials');
ends($server, 'no valid credentials');

# ---- a file, which changes

sub spew_keys {
    my ($file, $keys) = @_;
    OCI::Server::spew("$file.new", OCI::Blobs::credentials($keys));
    rename "$file.new", $file or die "$file: $!\n";
    return;
}

my $dir = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
chmod 0755, "$dir";
my $file = "$dir/keys";
spew_keys($file, $s3);
$server = serve("file $file");
status_is(push_to($server), 201, 'a file');
$s3->forget;
my $first = temporary_key();
spew_keys($file, $first);
my ($end, $failed) = (time + 60, 0);
until (grep({ $_ eq $first->{key} } keys_used()) || time > $end) {
    $failed++ if push_to($server)->status != 201;
    sleep 0.1;
}
is($failed, 0, 'no push fails');
is_deeply([ grep { $_ eq $first->{key} } keys_used() ], [ $first->{key} ],
    'its key is used without a reload');
$s3->revoke;
my $second = temporary_key();
spew_keys($file, $second);
status_is(push_to($server), 201, "keys that expire when others are there: $_")
    for 1 .. 4;
$s3->revoke;
$res = one_log_line($server, qr/have expired/, 'expired', sub {
    push_to($server)
});
status_is($res, 500, 'expired credentials');
spew_keys($file, $s3);
$end = time + 120;
sleep 0.2 until push_to($server)->status == 201 || time > $end;
status_is(push_to($server), 201, 'until the file has others');
$server->allows(qr/credentials have expired/);
ends($server, 'a file', map { @$_{qw(secret token)} } $first, $second);

OCI::Server::spew($file, OCI::Blobs::credentials($s3) =~ s/default/other/r);
$server = serve("file $file other");
status_is(push_to($server), 201, 'a profile of a file');
ends($server, 'a profile');
spew_keys($file, $s3);
$server = serve("file $file");
OCI::Server::spew($file, OCI::Blobs::credentials($s3) =~ s/default/other/r);
$res = one_log_line($server, qr/\Q$file\E has no access key for .*'default'/,
    'a profile that is missing', sub { push_to($server) });
status_is($res, 500, 'no such profile');
ends($server, 'no such profile');

# ---- services

my %service = (
    instance => [ { instance => 'a-role' },
        AWS_EC2_METADATA_SERVICE_ENDPOINT => $s3->url ],
    container => [ { container => 'a password' },
        AWS_CONTAINER_CREDENTIALS_FULL_URI => $s3->url . '/v2/credentials/x',
        AWS_CONTAINER_AUTHORIZATION_TOKEN => 'a password' ],
    'web-identity' => [ { web => $WEB_TOKEN },
        AWS_ENDPOINT_URL_STS => $s3->url,
        AWS_ROLE_ARN => 'arn:aws:iam::123456789012:role/registry',
        AWS_WEB_IDENTITY_TOKEN_FILE =>
            OCI::Server::spew("$dir/token", "$WEB_TOKEN\n") ],
);
for my $name (sort keys %service) {
    my ($set, %env) = @{ $service{$name} };
    for my $source ($name, 'auto') {
        $s3->credentials(%$set);
        $s3->forget;
        my $server = serve($source, %env);
        status_is(push_to($server), 201, "$name, $source: a push");
        my $http = OCI::Client->new($server);
        status_is($http->get('/v2/a/blobs/' . digest_of("pushed $pushed")),
            307, "$name, $source: a pull");
        my ($used) = keys_used();
        like($used, qr/\AASIA/, "$name, $source: a temporary key");
        ends($server, "$name, $source", 'a password');
    }

    # Keys that live for two seconds, and pushes for longer.
    $s3->credentials(%$set, lifetime => 2);
    $s3->forget;
    my $server = serve($name, %env);
    my ($end, $round) = (time + 120, 0);
    do {
        my $until = time + 5;
        $round++;
        my @answers = at_once([$server], 4, sub {
            my ($own, $n) = @_;
            my ($push, %status) = (0);
            do {
                my $bytes = "$name $n $round " . ++$push;
                $status{ $own->post('/v2/b/blobs/uploads/?digest='
                    . digest_of($bytes), $bytes)->status }++;
            } while (time < $until);
            return sort keys %status;
        });
        is_deeply(\@answers, [ ([201]) x 4 ], "$name: no push fails");
    } while ((() = keys_used()) <= 2 && time < $end);
    cmp_ok(scalar(() = keys_used()), '>', 2, "$name: keys were renewed");

    # All keys end before their time.
    $s3->credentials(%$set);
    $s3->revoke;
    status_is(push_to($server), 201, "$name: keys that were revoked");
    ends($server, "$name, renewed");
}

# ---- services that fail

$s3->credentials(web => 'another token');
$server = serve('web-identity', @{ $service{'web-identity'} }[ 1 .. 6 ]);
$res = one_log_line($server, qr/credentials: .*: /, 'STS refuses', sub {
    push_to($server)
});
status_is($res, 500, 'STS refuses');
$s3->credentials(web => $WEB_TOKEN);
$end = time + 120;
sleep 0.2 until push_to($server)->status == 201 || time > $end;
status_is(push_to($server), 201, 'until it no longer does');
$server->allows(qr/credentials: /);
ends($server, 'STS refuses');

OCI::Server::spew("$dir/token", "\xef\xbb\xbf$WEB_TOKEN\n");
$server = serve('web-identity', @{ $service{'web-identity'} }[ 1 .. 6 ]);
$res = one_log_line($server, qr/FILE \(\Q$dir\E\/token\) cannot be read: it begins/,
    'a token with a byte order mark', sub { push_to($server) });
status_is($res, 500, 'no token');
ends($server, 'no token');
OCI::Server::spew("$dir/token", "$WEB_TOKEN\n");

$s3->credentials;
$server = serve('auto', AWS_EC2_METADATA_DISABLED => 'true');
$res = one_log_line($server, qr/credentials/, 'nothing is configured', sub {
    push_to($server)
});
status_is($res, 500, 'nothing is configured');
ends($server, 'nothing is configured');

# ---- a word with blanks

my $run = OCI::Server->configtest(blobs => 's3:strict', s3 => $s3,
    s3_settings => { OCIS3Credentials => 'file "/a b/c"' });
like($run->{output}, qr{OCIS3Credentials: '/a b/c' is not a valid word: expect},
    'a path with blanks is refused');
isnt($run->{status}, 0, 'so that httpd does not start');

done_testing;
