-- Runs once, when the server is made: one role for each service, who owns its database and can enter no other service's.
-- The data keys are customer-svc's, which alone makes and destroys them; the other services read. Production has passwords of its own.
CREATE ROLE guanxi_customer LOGIN PASSWORD 'customer';
CREATE ROLE guanxi_engagement LOGIN PASSWORD 'engagement';
CREATE ROLE guanxi_scoring LOGIN PASSWORD 'scoring';
CREATE DATABASE guanxi_customer OWNER guanxi_customer;
CREATE DATABASE guanxi_engagement OWNER guanxi_engagement;
CREATE DATABASE guanxi_scoring OWNER guanxi_scoring;
CREATE DATABASE guanxi_keys OWNER guanxi_customer;
REVOKE ALL ON DATABASE guanxi_customer, guanxi_engagement, guanxi_scoring, guanxi_keys FROM PUBLIC;
GRANT CONNECT ON DATABASE guanxi_keys TO guanxi_engagement, guanxi_scoring;
\connect guanxi_keys
ALTER DEFAULT PRIVILEGES FOR ROLE guanxi_customer GRANT SELECT ON TABLES TO guanxi_engagement, guanxi_scoring;
