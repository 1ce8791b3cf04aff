# SPDX-License-Identifier: Apache-2.0

# What a denied caller, the error log and the access log are told: who may not
# do what, and which right is missing.  An anonymous caller learns nothing.

use OCI::Test;
use OCI::Auth;

my $AUTHENTICATION = 'authentication required: ';
my $DENIED = 'requested access to the resource is denied: ';
my $ANONYMOUS = "${AUTHENTICATION}log in, or send a token that allows this";
my $extra = 'CustomLog "@DIR@/users" "%u %>s %m %U"';

sub serve {
    my ($mode, %option) = @_;
    my %setup = OCI::Auth::setup($mode, extra => $extra);
    my $server = OCI::Server->start(%setup, %option,
        config => $option{config} // $setup{config});
    OCI::Auth::passwords($server);
    $server->allows(qr/AH016(?:17|18|30|31)|AH01797/);
    return ($server, OCI::Client->new($server),
        map { OCI::Auth->new($server, $_) } qw(anonymous reader writer wrong));
}

# Tests of the access log, which httpd writes after its answers.
my @users;

sub finish {
    my $server = shift;
    $server->halt;
    my $log = OCI::Server::slurp($server->dir . '/users');
    like($log, qr/^\Q$_\E$/m, "the access log: $_") for splice @users;
    return $server->stop;
}

# Tests of one denied request: its message, its detail, the line at level info,
# and the user in the access log.
sub denied {
    my ($server, $client, $header, $method, $path, $expected) = @_;
    my $before = length $server->log;
    my $res = $client->request($method, $path, { Authorization => $header },
        $method =~ /^P/ ? '' : undef);
    my ($error) = @{ $res->json->{errors} };
    my $name = "$method $path";
    is($error->{message}, $expected->{message}, "$name: the message");
    is_deeply($error->{detail}, $expected->{scope}
        ? { scope => $expected->{scope} } : undef, "$name: the detail");
    my @lines = grep { /\[oci:info\]/ }
        split /\n/, substr $server->log, $before;
    my ($words) = $expected->{message} =~ /(?:required|denied): (.*)/;
    if ($expected->{silent}) {
        is("@lines", '', "$name: no line at level info");
    }
    else {
        is(scalar @lines, 1, "$name: one line at level info") or diag(@lines);
        like($lines[0] // '', qr/oci: \Q$method $path: $error->{code}: $words/,
            "$name: it has the message");
        like($lines[0] // '', qr/\(scope: \Q$expected->{scope}\E\)/,
            "$name: it has the scope") if $expected->{scope};
    }
    push @users, join ' ', $expected->{user}, $res->status, $method, $path
        if $expected->{user};
    return;
}

subtest 'tokens' => sub {
    my ($server, $client, $anonymous, $reader, $writer) = serve(
        'tokens, open pull');
    my $token = 'Bearer ' . $writer->token_for('repository:team/app:pull,push',
        'repository:other/app:pull,push');
    my @push = (POST => '/v2/other/app/blobs/uploads/');
    denied($server, $client, $token, @push, {
        message => "${AUTHENTICATION}writer may not push to other/app with "
            . 'this token',
        scope => 'repository:other/app:push', user => 'writer' });
    denied($server, $client, $token, DELETE => '/v2/team/app/manifests/v1', {
        message => "${AUTHENTICATION}writer may not delete from team/app with "
            . 'this token',
        scope => 'repository:team/app:delete', user => 'writer' });
    denied($server, $client, $token, GET => '/v2/_catalog', {
        message => "${AUTHENTICATION}writer may not list the repositories with "
            . 'this token',
        scope => 'registry:catalog:*', user => 'writer' });
    my $nobody = 'Bearer ' . $anonymous->token_for('repository:pub/app:pull');
    denied($server, $client, $nobody, @push, {
        message => "${AUTHENTICATION}log in to push to other/app: this token is "
            . 'anonymous',
        scope => 'repository:other/app:push', user => '-' });
    my $before = length $server->log;
    error_is($client->get('/v2/', Authorization => 'Bearer e30.e30.e30'), 401,
        'UNAUTHORIZED', qr/^\Q$AUTHENTICATION\Ethe token is not valid, or has /,
        'a token that is not valid');
    is_deeply([ map { /oci: (.*)/ } substr $server->log, $before ],
        [ 'GET /v2/: the token is refused: no key of OCITokenKey matches its '
            . 'signature' ], 'a line says why');
    denied($server, $client, undef, @push,
        { message => $ANONYMOUS, silent => 1, user => '-' });
    denied($server, $client, undef, GET => '/v2/',
        { message => $ANONYMOUS, silent => 1, user => '-' });
    denied($server, $client, $writer->{basic}, @push, { message =>
        "${AUTHENTICATION}this registry does not check passwords; send a "
        . 'token instead' });
    denied($server, $client, OCI::Auth::basic('writer', 'x'), GET => '/token', {
        message => "${AUTHENTICATION}the user name or password is wrong",
        user => 'writer' });
    error_is($client->post('/token',
        'grant_type=password&username=writer&password=x',
        'Content-Type' => 'application/x-www-form-urlencoded'), 401,
        'UNAUTHORIZED', qr/: the user name or password is wrong$/, 'a form');
    push @users, 'writer 401 POST /token';
    status_is($client->post('/v2/team/app/blobs/uploads/', '',
        Authorization => $token), 202, 'an accepted push');
    push @users, 'writer 202 POST /v2/team/app/blobs/uploads/';
    finish($server);
    done_testing;
};

# A token without a list of scopes: the Require lines decide.
subtest 'a token without scopes' => sub {
    my ($server, $client, undef, $reader) = serve('tokens');
    my $many = join '&', map { "scope=repository:a$_:pull" } 1 .. 65;
    my $token = $client->get("/token?$many",
        Authorization => $reader->{basic})->json->{token};
    denied($server, $client, "Bearer $token",
        POST => '/v2/team/app/blobs/uploads/', {
        message => "${DENIED}reader may not push to team/app",
        scope => 'repository:team/app:push', user => 'reader' });
    finish($server);
    done_testing;
};

subtest 'passwords' => sub {
    my ($server, $client, undef, $reader, $writer, $wrong)
        = serve('Basic, open pull');
    my @push = (POST => '/v2/team/app/blobs/uploads/');
    denied($server, $client, $reader->{basic}, @push, {
        message => "${DENIED}reader may not push to team/app",
        scope => 'repository:team/app:push', user => 'reader' });
    denied($server, $client, $wrong->{basic}, @push, {
        message => "${AUTHENTICATION}the user name or password is wrong",
        user => 'admin' });
    denied($server, $client, undef, @push,
        { message => $ANONYMOUS, silent => 1, user => '-' });
    my ($one, $other) = map { $client->get("/v2/secret/$_/tags/list",
        Authorization => $reader->{basic})->text =~ s/\Q$_\E/NAME/gr }
        qw(here nowhere);
    is($one, $other, 'the existence of a repository makes no difference');
    finish($server);
    done_testing;
};

# Nobody can log in.
subtest 'no login' => sub {
    my ($server, $client) = serve('open', config => 'Require all denied');
    denied($server, $client, undef, POST => '/v2/team/app/blobs/uploads/',
        { message => "${DENIED}this request is not allowed", user => '-' });
    finish($server);
    done_testing;
};

# The user in the access log changes no decision: neither what a token allows,
# nor what a line about users does.
subtest 'Satisfy Any' => sub {
    for my $require ('Require valid-user', 'Require user writer',
        'Require all granted') {
        my ($server, $client, $anonymous, $reader, $writer) = serve('tokens',
            modules => [qw(auth_basic authn_core authn_file authz_user
                authz_host access_compat)],
            config  => "Satisfy Any\nOrder deny,allow\nDeny from all\n$require");
        my $token = $writer->token_for('repository:team/app:pull');
        for my $header ("Bearer $token", 'Bearer e30.e30.e30') {
            error_is($client->post('/v2/team/app/blobs/uploads/', '',
                Authorization => $header), 401, 'UNAUTHORIZED', undef,
                "$require: no push with such a token");
        }
        status_is($client->get('/v2/team/app/tags/list',
            Authorization => "Bearer $token"), 404, "$require: a pull");
        finish($server);
    }
    done_testing;
};

done_testing;
